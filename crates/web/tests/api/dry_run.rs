//! Trying filters and transformations (docs/extensions.md).

use serde_json::{Value, json};

use crate::server::{Server, invalid_body};

const PATH: &str = "/api/v2/headwater/dry-run";

async fn tried(server: &Server, body: &Value) -> Value {
    server.call_with("POST", PATH, body).await.expect(200)
}

#[tokio::test]
async fn a_sample_shows_what_would_be_sent() {
    let server = Server::start().await;
    let body = json!({"event_type": "user.created", "filter": "event.type.startsWith(\"user.\")",
        "transform": "{\"who\": event.data.object.user_id, \"what\": event.type, \"tenant\": event.a0tenant}",
        "data": {"object": {"user_id": "auth0|7"}}});
    let expected = json!({"passes": true, "payload": {"tenant": "default", "what": "user.created", "who": "auth0|7"}});
    assert_eq!(tried(&server, &body).await, expected);
    assert!(server.events().await.is_empty(), "nothing is sent");
}

#[tokio::test]
async fn without_either_the_whole_event_would_be_sent() {
    let server = Server::start().await;
    let answered = tried(&server, &json!({"event_type": "group.created"})).await;
    assert_eq!((&answered["passes"], &answered["payload"]["type"]), (&json!(true), &json!("group.created")));
    assert!(answered["payload"]["a0stream"].is_string(), "{answered}");
    let own = json!({"type": "anything", "n": 12.5, "deep": [{"a": null}]});
    assert_eq!(tried(&server, &json!({"event": own})).await, json!({"passes": true, "payload": own}));
}

#[tokio::test]
async fn what_does_not_pass_or_cannot_be_said_says_so() {
    let server = Server::start().await;
    let event = json!({"type": "user.created", "n": 1});
    let with = |filter: &str, transform: &str| json!({"event": event, "filter": filter, "transform": transform});
    assert_eq!(tried(&server, &with("event.n > 1", "event.n")).await, json!({"passes": false}));
    let fault = tried(&server, &with("event.missing > 1", "event.n")).await;
    assert_eq!(fault["error"]["in"], "filter", "{fault}");
    assert!(
        fault["error"]["message"].as_str().unwrap().contains("missing") && fault.get("passes").is_none(),
        "{fault}"
    );
    let fault = tried(&server, &with("event.n == 1", "event.missing")).await;
    assert_eq!((&fault["passes"], &fault["error"]["in"]), (&json!(true), &json!("transform")), "{fault}");
    assert!(fault.get("payload").is_none());
}

#[tokio::test]
async fn what_is_no_expression_is_named() {
    let server = Server::start().await;
    for (body, reason) in [
        (
            json!({"event": {}, "filter": "event.n =="}),
            "not an expression of CEL: 1:11: Syntax error: mismatched input",
        ),
        (json!({"event": {}, "filter": "user.email == ''"}), "\"user\" is not known here"),
        (json!({"event": {}, "transform": "event.text.matches('a')"}), "the function \"matches\" is not known here"),
        (json!({"event": {}, "filter": 1}), "Expected type string but found type integer"),
        (json!({"filter": "true"}), "Missing required property: event_type"),
        (json!({"event": {}, "more": 1}), "Additional properties not allowed: more"),
    ] {
        let answered = server.call_with("POST", PATH, &body).await.expect(400);
        let message = answered["message"].as_str().unwrap().trim_start_matches("Payload validation error: ");
        assert!(message.contains(reason), "{message}");
        assert_eq!(answered, invalid_body(message));
    }
}

#[tokio::test]
async fn a_streams_own_expressions_are_tried_where_none_are_given() {
    let server = Server::start().await;
    let body = json!({"subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "t"}}},
        "headwater": {"filter": "event.type == 'user.created'", "transform": "event.a0stream"}});
    let stream = server.call_with("POST", "/api/v2/event-streams", &body).await.expect(201)["id"].clone();
    let path = format!("/api/v2/event-streams/{}/headwater/dry-run", stream.as_str().unwrap());
    let tried = async |body: Value| server.call_with("POST", &path, &body).await.expect(200);
    assert_eq!(tried(json!({"event_type": "user.created"})).await, json!({"passes": true, "payload": stream}));
    assert_eq!(tried(json!({"event_type": "user.deleted"})).await, json!({"passes": false}));
    let own = json!({"event_type": "user.deleted", "filter": "true", "transform": "1"});
    assert_eq!(tried(own).await, json!({"passes": true, "payload": 1}));
    let unknown = path.replace(stream.as_str().unwrap(), "est_1111111111111111111112");
    server.call_with("POST", &unknown, &json!({"event_type": "user.created"})).await.expect(404);
}
