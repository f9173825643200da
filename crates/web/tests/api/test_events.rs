//! Test events (management-api.md 3.7).

use domain::catalog::EventType;
use domain::delivery::Cause;
use domain::event::Seq;
use domain::ids::StreamId;
use serde_json::{Value, json};
use store::Log;

use crate::schema;
use crate::server::{Server, error, error_with_code, invalid_body};

async fn stream(server: &Server, status: &str) -> String {
    let body = json!({"subscriptions": [{"event_type": "user.deleted"}], "status": status,
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": "https://hooks.example.com/in",
            "webhook_authorization": {"method": "bearer", "token": "t"}}}});
    let made = server.call_with("POST", "/api/v2/event-streams", &body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn test(server: &Server, stream: &str, body: &Value) -> Value {
    server.call_with("POST", &format!("/api/v2/event-streams/{stream}/test"), body).await.expect(202)
}

#[tokio::test]
async fn post_event_streams_test_answers_an_event_of_every_type_as_it_will_be_sent() {
    let server = Server::start().await;
    let stream = stream(&server, "enabled").await;
    let mut events = Vec::new();
    for event_type in EventType::ALL {
        let answered = test(&server, &stream, &json!({"event_type": event_type.name().unwrap()})).await;
        let id = answered["id"].clone();
        let data: Value = serde_json::from_str(domain::catalog::sample(*event_type).unwrap().get()).unwrap();
        let expected = json!({
            "id": id, "event_stream_id": stream, "event_type": event_type.name().unwrap(), "status": "pending", "attempts": [],
            "event": {
                "specversion": "1.0", "id": id, "source": "urn:auth0:acme.example", "type": event_type.name().unwrap(),
                "time": "2026-01-16T08:50:33.955Z", "data": data, "a0purpose": "test", "a0stream": stream,
                "a0tenant": "default",
            },
        });
        assert_eq!(answered, expected);
        let mut event = answered["event"].clone();
        // The one member that the published schemas do not know.
        event.as_object_mut().unwrap().remove("a0purpose");
        events.push(event);
    }
    schema::check(&events);
    let id = StreamId::parse(&stream).unwrap();
    let waiting = server.store.redeliveries_waiting(id, Seq::ZERO, 100).await.unwrap();
    assert_eq!(waiting.iter().filter(|each| each.cause == Cause::OutOfTurn).count(), EventType::ALL.len());
    assert!(server.events().await.iter().all(|logged| logged.only_stream == Some(id)));
}

#[tokio::test]
async fn the_callers_own_data_take_the_place_of_the_sample() {
    let server = Server::start().await;
    let stream = stream(&server, "enabled").await;
    let data = json!({"object": {"user_id": "auth0|1", "mine": [1, null]}, "more": true});
    let answered = test(&server, &stream, &json!({"event_type": "user.created", "data": data})).await;
    assert_eq!(answered["event"]["data"], data);
}

#[tokio::test]
async fn a_disabled_stream_gets_test_events_through_the_extension_only() {
    let server = Server::start().await;
    let stream = stream(&server, "disabled").await;
    let path = format!("/api/v2/event-streams/{stream}/test");
    for body in [
        json!({"event_type": "user.created"}),
        json!({"event_type": "user.created", "headwater": {"while_disabled": false}}),
    ] {
        let message = "Sending events to disabled event streams is not supported.";
        assert_eq!(
            server.call_with("POST", &path, &body).await.expect(400),
            error_with_code(400, "Bad Request", message, "operation_not_supported")
        );
    }
    assert!(server.events().await.is_empty());
    let body = json!({"event_type": "user.created", "headwater": {"while_disabled": true}});
    assert_eq!(test(&server, &stream, &body).await["status"], "pending");
    let shown = server.call("GET", &format!("/api/v2/event-streams/{stream}")).await.expect(200);
    assert_eq!(shown.get("headwater"), None, "a test event is not missed");
}

#[tokio::test]
async fn faults_of_a_test_event_are_named() {
    let server = Server::start().await;
    let stream = stream(&server, "enabled").await;
    let path = format!("/api/v2/event-streams/{stream}/test");
    for (body, message) in [
        (json!({}), "'Missing required property: event_type'."),
        (
            json!({"event_type": "user.born"}),
            "'No enum match for: user.born' on property event_type (The type of event this test event represents).",
        ),
        (
            json!({"event_type": "user.created", "data": []}),
            "'Expected type object but found type array' on property data (The raw payload of the test event).",
        ),
        (json!({"event_type": "user.created", "x": 1}), "'Additional properties not allowed: x'."),
        (
            json!({"event_type": "user.created", "headwater": {"x": 1}}),
            "'Additional properties not allowed: x' on property headwater.x (What this server offers beyond the contract).",
        ),
    ] {
        assert_eq!(server.call_with("POST", &path, &body).await.expect(400), invalid_body(message));
    }
    let body = json!({"event_type": "user.created"});
    let unknown = "/api/v2/event-streams/est_5RTZiB9C532j383njbXibB/test";
    assert_eq!(
        server.call_with("POST", unknown, &body).await.expect(404),
        error(404, "Not Found", "The requested stream does not exist.")
    );
    server.call_with("POST", "/api/v2/event-streams/est_x/test", &body).await.expect(400);
    server.call_as("none", "POST", &path).await.expect(401);
    let token = server.token_with(&["read:event_streams"]).await;
    let refused = server.call_as(&token, "POST", &path).await.expect(403);
    assert_eq!(refused["message"], "Insufficient scope, expected any of: update:event_streams");
}
