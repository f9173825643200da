//! The event types by which the server tells of itself: described, subscribed to, never published.

use domain::catalog::{EventType, schema};
use domain::clock::Timestamp;
use domain::delivery::{
    Alert, AlertKind, AlertState, Alerts, Cycles, DisableReason, Health, LastFailure, Position, Progress,
};
use domain::ids::StreamId;
use serde_json::{Value, json};
use store::{Checkpoint, Log, StreamProgress};

use crate::server::{START, Server, invalid_body};

fn stream_of(types: &[&str]) -> Value {
    let subscriptions: Vec<Value> = types.iter().map(|name| json!({"event_type": name})).collect();
    json!({"subscriptions": subscriptions, "destination": {"type": "webhook", "configuration": {
        "webhook_endpoint": "https://hooks.example.com/in",
        "webhook_authorization": {"method": "bearer", "token": "t"}}}})
}

fn names() -> Vec<&'static str> {
    EventType::OPERATIONAL.iter().filter_map(|event_type| event_type.name()).collect()
}

#[track_caller]
fn check(data: &Value, schema: &Value) {
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(data).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{data:#}");
}

#[tokio::test]
async fn they_are_described_beside_the_registered_ones() {
    let server = Server::start().await;
    for name in ["com.example.a", "zebra.striped"] {
        let body = json!({"name": name, "schema": {}});
        server.call_with("POST", "/api/v2/headwater/event-types", &body).await.expect(201);
    }
    let mut listed = Vec::new();
    let mut path = "/api/v2/headwater/event-types?take=2".to_owned();
    loop {
        let page = server.call("GET", &path).await.expect(200);
        listed.extend(page["eventTypes"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v2/headwater/event-types?take=2&from={next}");
    }
    let expected = [
        "com.example.a",
        "headwater.stream.disabled",
        "headwater.stream.failing",
        "headwater.stream.recovered",
        "zebra.striped",
    ];
    assert_eq!(listed.iter().map(|each| each["name"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    for each in &listed[1..4] {
        assert_eq!(each["operational"], true);
        check(&each["example"], &each["schema"]);
        let path = format!("/api/v2/headwater/event-types/{}", each["name"].as_str().unwrap());
        assert_eq!(server.call("GET", &path).await.expect(200), *each);
        server.call("DELETE", &path).await.expect(404);
        server.call_with("PATCH", &path, &json!({"description": "x"})).await.expect(404);
    }
}

#[tokio::test]
async fn streams_subscribe_to_them_and_nobody_publishes_them() {
    let server = Server::start().await;
    let made = server.call_with("POST", "/api/v2/event-streams", &stream_of(&names())).await.expect(201);
    let path = format!("/api/v2/event-streams/{}", made["id"].as_str().unwrap());
    assert_eq!(server.call("GET", &path).await.expect(200)["subscriptions"], made["subscriptions"]);
    for name in names() {
        let body = json!({"event_type": name});
        let pending = server.call_with("POST", &format!("{path}/test"), &body).await.expect(202);
        assert_eq!(pending["event_type"], *name);
        let event = json!({"specversion": "1.0", "type": name, "source": "urn:x", "id": "1", "data": {"object": {}}});
        let expected = format!("'No enum match for: {name}' on property type (What happened, one of the event types).");
        let refused = server.call_with("POST", "/api/v2/events", &event).await;
        assert_eq!(refused.expect(400), invalid_body(&expected));
    }
    server.call("GET", &format!("{path}/deliveries?event_types={}", names().join(","))).await.expect(200);
}

#[tokio::test]
async fn what_is_raised_fits_its_schema() {
    let server = Server::start().await;
    let made = server.call_with("POST", "/api/v2/event-streams", &stream_of(&["user.created"])).await.expect(201);
    let stream = StreamId::parse(made["id"].as_str().unwrap()).unwrap();
    let health = Health { in_row: 9, outstanding: 12 };
    let kinds = [AlertKind::Failing { threshold: 90 }, AlertKind::Disabled, AlertKind::Recovered];
    let raised = kinds.map(|kind| Alert {
        kind,
        reason: (kind != AlertKind::Recovered).then_some(DisableReason::FailuresOutstanding),
        health,
        failures_in_row_max: 500,
        failures_outstanding_max: 13,
        last_failure: Some(LastFailure {
            at: Timestamp::from_millis(START),
            message: Some("refused".to_owned()),
            http_status: None,
        }),
    });
    let head = server.store.heads().borrow().log;
    let progress = Progress {
        position: Position::at(head),
        health,
        rows: Vec::new(),
        cycles: Cycles::default(),
        disable: Some(DisableReason::FailuresOutstanding),
        alerts: Alerts { state: AlertState::Calm, raised: raised.to_vec() },
    };
    let streams = vec![StreamProgress { stream, generation: 0, seeks: 0, at_head: true, progress, queue: None }];
    let at = Timestamp::from_millis(START);
    server.store.checkpoint_save(Checkpoint { at, head, streams, logged: Vec::new() }).await.unwrap();
    let bodies = server.event_bodies().await;
    assert_eq!(
        bodies.iter().map(|body| body["type"].as_str().unwrap()).collect::<Vec<_>>(),
        [names()[0], names()[1], names()[2]]
    );
    for body in &bodies {
        let event_type = EventType::from_name(body["type"].as_str().unwrap()).unwrap();
        check(&body["data"], schema(event_type).unwrap());
        assert_eq!((&body["source"], &body["a0tenant"]), (&json!("urn:auth0:acme.example"), &json!("default")));
    }
}
