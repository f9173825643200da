//! `/api/v2/event-streams` with destinations of type `action`.

use serde_json::{Value, json};

use crate::runner::RUNS;
use crate::server::{Server, error, error_with_code, invalid_body};

const STREAMS: &str = "/api/v2/event-streams";
const ACTIONS: &str = "/api/v2/actions/actions";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

async fn create_action(server: &Server, deploy: bool) -> String {
    let body = json!({"name": "a", "supported_triggers": [{"id": "event-stream", "version": "v1"}], "code": RUNS,
        "deploy": deploy});
    let made = server.call_with("POST", ACTIONS, &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

fn to_action(action: &str) -> Value {
    json!({"type": "action", "configuration": {"action_id": action}})
}

async fn create(server: &Server, action: &str) -> Value {
    let body = json!({"subscriptions": [{"event_type": "user.created"}], "destination": to_action(action)});
    server.call_with("POST", STREAMS, &body).await.expect(201)
}

fn path_of(stream: &Value) -> String {
    format!("{STREAMS}/{}", stream["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_stream_to_an_action_is_answered_as_recorded() {
    let server = Server::start().await;
    let action = create_action(&server, true).await;
    let body = json!({
        "name": "my-action", "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.updated"}],
        "destination": to_action(&action),
    });
    let made = server.call_with("POST", STREAMS, &body).await.expect(201);
    let now = "2026-01-16T08:50:33.955Z";
    assert_eq!(
        made,
        json!({"id": made["id"], "status": "enabled", "name": "my-action",
            "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.updated"}], "created_at": now,
            "updated_at": now, "destination": to_action(&action)})
    );
    assert_eq!(server.call("GET", &path_of(&made)).await.expect(200), made);
    assert_eq!(server.call("GET", STREAMS).await.expect(200)["eventStreams"], json!([made]));
}

#[tokio::test]
async fn an_action_that_cannot_run_is_no_destination() {
    let server = Server::start().await;
    let undeployed = create_action(&server, false).await;
    for (action, reason) in [
        (NOBODY, "The action does not exist"),
        (&undeployed, "The action is not deployed; deploy it first"),
        ("x", "Object didn't pass validation for format uuid: x"),
    ] {
        let refused = server.call_with("POST", STREAMS, &json!({"destination": to_action(action)})).await.expect(400);
        let place = "destination.configuration.action_id (The action that runs for each event)";
        assert_eq!(refused, invalid_body(&format!("'{reason}' on property {place}.")));
    }
    let without = json!({"destination": {"type": "action", "configuration": {}}});
    let refused = server.call_with("POST", STREAMS, &without).await.expect(400);
    assert!(refused["message"].as_str().unwrap().contains("Missing required property: action_id"), "{refused}");
    assert_eq!(server.call("GET", STREAMS).await.expect(200)["eventStreams"], json!([]));
}

#[tokio::test]
async fn the_action_of_a_stream_never_changes() {
    let server = Server::start().await;
    let (one, other) = (create_action(&server, true).await, create_action(&server, true).await);
    let path = path_of(&create(&server, &one).await);
    let same = json!({"name": "named", "destination": to_action(&one)});
    let changed = server.call_with("PATCH", &path, &same).await.expect(200);
    assert_eq!((&changed["name"], &changed["destination"]), (&json!("named"), &to_action(&one)));
    let another = server.call_with("PATCH", &path, &json!({"destination": to_action(&other)})).await.expect(400);
    assert_eq!(
        another,
        invalid_body(
            "'The action of an event stream cannot be changed; create another stream' on property \
             destination.configuration.action_id (The action that runs for each event)."
        )
    );
    let webhook = json!({"type": "webhook", "configuration": {"webhook_endpoint": "https://hooks.example.com/",
        "webhook_authorization": {"method": "bearer", "token": "t"}}});
    let other_type = server.call_with("PATCH", &path, &json!({ "destination": webhook })).await.expect(400);
    let message = other_type["message"].as_str().unwrap();
    assert!(message.contains("The type of a destination cannot be changed; it is action"), "{message}");
}

#[tokio::test]
async fn an_action_goes_with_its_last_stream() {
    let server = Server::start().await;
    let action = create_action(&server, true).await;
    let (first, second) = (create(&server, &action).await, create(&server, &action).await);
    server.call("DELETE", &path_of(&first)).await.expect(204);
    server.call("GET", &format!("{ACTIONS}/{action}")).await.expect(200);
    for _ in 0..2 {
        server.call("DELETE", &path_of(&second)).await.expect(204);
    }
    let gone = server.call("GET", &format!("{ACTIONS}/{action}")).await.expect(404);
    assert_eq!(gone, error(404, "Not Found", "That action does not exist."));
}

#[tokio::test]
async fn an_action_in_use_is_deleted_only_by_force_which_disables_its_streams() {
    let server = Server::start().await;
    let action = create_action(&server, true).await;
    let path = path_of(&create(&server, &action).await);
    let in_use = error_with_code(
        409,
        "Conflict",
        "Event streams have this action as their destination. Delete them first, or force it, which disables them.",
        "action_in_use",
    );
    for query in ["", "?force=false"] {
        assert_eq!(server.call("DELETE", &format!("{ACTIONS}/{action}{query}")).await.expect(409), in_use);
    }
    server.call("DELETE", &format!("{ACTIONS}/{action}?force=yes")).await.expect(400);
    server.call("DELETE", &format!("{ACTIONS}/{action}?force=true")).await.expect(204);
    server.call("GET", &format!("{ACTIONS}/{action}")).await.expect(404);
    let stream = server.call("GET", &path).await.expect(200);
    assert_eq!((&stream["status"], &stream["destination"]), (&json!("disabled"), &to_action(&action)));
    let enabling = server.call_with("PATCH", &path, &json!({"status": "enabled"})).await.expect(400);
    assert!(enabling["message"].as_str().unwrap().contains("The action does not exist"), "{enabling}");
    server.call_with("PATCH", &path, &json!({"name": "still to be named"})).await.expect(200);
    server.call("DELETE", &path).await.expect(204);
}
