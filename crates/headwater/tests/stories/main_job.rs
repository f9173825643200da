//! The main job: a change in the tenant reaches a webhook.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::receiver::{Answer, Receiver};
use crate::server::{Server, variable};

/// Checks events against the published schema where that is at hand.
fn check_against_schema(events: &[Value]) {
    let Some(path) = variable("HEADWATER_EVENTS_SCHEMA") else { return };
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut validators = HashMap::new();
    for event in events {
        let name = event["type"].as_str().unwrap();
        let validator = validators
            .entry(name)
            .or_insert_with(|| jsonschema::options().should_validate_formats(true).build(&schemas[name]).unwrap());
        let errors: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name} does not fit its schema: {errors:?}\n{event:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_life_reaches_the_webhook() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let endpoint = format!("http://{}/in", receiver.address);
    let stream = server.create_stream(&endpoint, &["user.created", "user.updated", "user.deleted"]).await;
    let user = server.create_user("jane").await;
    let id = user["user_id"].as_str().unwrap().replace('|', "%7C");
    let patch = json!({"user_metadata": {"hobby": "chess"}, "given_name": "Jane"});
    let (status, patched) = server.call("PATCH", &format!("users/{id}"), Some(patch)).await;
    assert_eq!((status, &patched["user_metadata"]["hobby"]), (200, &json!("chess")));
    let (status, _) = server.call("DELETE", &format!("users/{id}"), None).await;
    assert_eq!(status, 204);
    receiver.wait_for(3).await;
    let events = receiver.bodies();
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["user.created", "user.updated", "user.deleted"]);
    assert_eq!(events[0]["data"]["object"]["email"], "jane@example.com");
    assert_eq!(events[1]["data"]["previous_object"]["user_id"], user["user_id"]);
    assert!(events[2]["data"]["object"]["deleted_at"].is_string());
    for event in &events {
        assert_eq!(event["a0stream"], json!(stream));
        assert_eq!(event["a0tenant"], "default");
        assert!(event["id"].as_str().unwrap().starts_with("evt_"));
        assert!(!event.to_string().contains("battery staple"), "the password is nowhere");
    }
    check_against_schema(&events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_three_times_then_accepts() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    receiver.script([500, 502, 503].map(Answer::Status));
    server.create_user("jane").await;
    receiver.wait_for(4).await;
    let ids: Vec<_> = receiver.bodies().iter().map(|body| body["id"].clone()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "one event, one id");
    let (_, deliveries) = server.call("GET", &format!("event-streams/{stream}/deliveries"), None).await;
    assert_eq!(deliveries["deliveries"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_delivery_is_listed_and_redelivered() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    receiver.script([Answer::Status(422)]);
    server.create_user("jane").await;
    let path = format!("event-streams/{stream}/deliveries");
    let one = |answer: &Value| answer["deliveries"].as_array().is_some_and(|list| list.len() == 1);
    let listed = server.until(&path, "the failure is listed", one).await;
    let failed = &listed["deliveries"][0];
    assert_eq!((&failed["status"], &failed["event_type"]), (&json!("failed"), &json!("user.created")));
    assert_eq!(failed["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(failed["event"], receiver.bodies()[0], "the event is kept as it was sent");
    let event = failed["id"].as_str().unwrap();
    let (status, _) = server.call("POST", &format!("event-streams/{stream}/redeliver/{event}"), None).await;
    assert_eq!(status, 202);
    receiver.wait_for(2).await;
    let none = |answer: &Value| answer["deliveries"] == json!([]);
    server.until(&path, "the failure is gone", none).await;
    assert_eq!(receiver.bodies()[0], receiver.bodies()[1], "a redelivery is the same event");
    let (status, _) = server.call("GET", &format!("{path}/{event}"), None).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_to_a_private_address_is_a_failure() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    receiver.otherwise(Answer::Redirect("http://10.0.0.1/"));
    server.create_user("jane").await;
    let path = format!("event-streams/{stream}/deliveries");
    let one = |answer: &Value| answer["deliveries"].as_array().is_some_and(|list| list.len() == 1);
    let listed = server.until(&path, "the failure is listed", one).await;
    assert_eq!(listed["deliveries"][0]["attempts"].as_array().unwrap().len(), 4);
    assert_eq!(receiver.bodies().len(), 4, "each attempt came here and went nowhere else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_destination_is_refused_when_it_is_not_allowed() {
    let server = Server::start().await;
    let stream = server.create_stream("http://10.255.0.1:9/", &["user.created"]).await;
    server.create_user("jane").await;
    let path = format!("event-streams/{stream}/deliveries");
    let one = |answer: &Value| answer["deliveries"].as_array().is_some_and(|list| list.len() == 1);
    let listed = server.until(&path, "the failure is listed", one).await;
    let attempts = listed["deliveries"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "trying again could not help");
    assert!(attempts[0]["error_message"].as_str().unwrap().contains("10.255.0.1"), "{}", attempts[0]);
}
