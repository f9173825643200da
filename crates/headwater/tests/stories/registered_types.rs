//! Event types of a tenant's own take the same way to the receivers.

use serde_json::{Value, json};

use crate::load::until_received;
use crate::receiver::{Answer, Receiver};
use crate::server::Server;

const NAME: &str = "com.example.invoice.paid";

async fn publish(server: &Server, number: u64) {
    let event = json!({
        "specversion": "1.0", "type": NAME, "source": "urn:billing", "id": number.to_string(), "subject": "I-1",
        "data": {"object": {"number": number}},
    });
    let (status, answer) = server.call("POST", "events", Some(event)).await;
    assert_eq!(status, 202, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_registered_type_is_delivered_fails_and_is_redelivered_also_after_a_crash() {
    let (mut server, receiver) = (Server::start().await, Receiver::start().await);
    let definition = json!({"name": NAME, "schema": {"type": "object"}});
    let (status, made) = server.call("POST", "headwater/event-types", Some(definition)).await;
    assert_eq!(status, 201, "{made}");
    let endpoint = format!("http://{}/in", receiver.address);
    let stream = server.create_stream(&endpoint, &[NAME]).await;
    let bystander = server.create_stream(&endpoint, &["user.created"]).await;
    publish(&server, 1).await;
    receiver.wait_for(1).await;
    receiver.script([Answer::Status(422)]);
    publish(&server, 2).await;
    receiver.wait_for(2).await;
    let path = format!("event-streams/{stream}/deliveries?event_types={NAME}");
    let one = |answer: &Value| answer["deliveries"].as_array().is_some_and(|list| list.len() == 1);
    let listed = server.until(&path, "the failure is listed", one).await;
    assert_eq!(listed["deliveries"][0]["event_type"], NAME);
    server = Server::start_in(server.crash()).await;
    let failed = listed["deliveries"][0]["id"].as_str().unwrap();
    let (status, _) = server.call("POST", &format!("event-streams/{stream}/redeliver/{failed}"), None).await;
    assert_eq!(status, 202);
    server.until(&path, "the failure is gone", |answer| answer["deliveries"] == json!([])).await;
    publish(&server, 3).await;
    // What the crash repeats may come before it.
    until_received(&receiver, |bodies| bodies.iter().any(|body| body["data"]["object"]["number"] == 3)).await;
    for body in receiver.bodies() {
        assert_eq!((&body["type"], &body["a0stream"]), (&json!(NAME), &json!(stream)), "nothing to {bystander}");
    }
}
