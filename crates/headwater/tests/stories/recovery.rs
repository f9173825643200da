//! What an operator does when a receiver was down: test events, redelivery, what was missed.

use std::collections::BTreeSet;

use domain::catalog::EventType;
use serde_json::{Value, json};

use crate::receiver::{Answer, Receiver};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_event_of_every_type_reaches_the_webhook() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    for event_type in EventType::ALL {
        let body = json!({"event_type": event_type.name().unwrap()});
        let (status, _) = server.call("POST", &format!("event-streams/{stream}/test"), Some(body)).await;
        assert_eq!(status, 202, "{event_type}");
    }
    receiver.wait_for(EventType::ALL.len()).await;
    let bodies = receiver.bodies();
    let types: BTreeSet<_> = bodies.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types.len(), EventType::ALL.len());
    assert!(bodies.iter().all(|event| event["a0purpose"] == "test" && event["a0stream"] == json!(stream)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_was_down_gets_everything_once_it_is_up() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let path = format!("event-streams/{stream}");
    receiver.otherwise(Answer::Status(410));
    for number in 0..5 {
        server.create_user(&format!("down{number}")).await;
    }
    let deliveries = format!("{path}/deliveries");
    let count = |listed: &Value| listed["deliveries"].as_array().unwrap().len();
    server.until(&deliveries, "all have failed", |listed| count(listed) == 5).await;
    server.call("PATCH", &path, Some(json!({"status": "disabled"}))).await;
    for number in 0..3 {
        server.create_user(&format!("away{number}")).await;
    }
    receiver.otherwise(Answer::Status(204));
    server.call("PATCH", &path, Some(json!({"status": "enabled"}))).await;
    let (status, answered) = server.call("POST", &format!("{path}/redeliver"), Some(json!({}))).await;
    assert_eq!((status, answered), (202, json!({})));
    let missed = json!({"headwater": {"missed": true}});
    let (status, job) = server.call("POST", &format!("{path}/redeliver"), Some(missed)).await;
    assert_eq!((status, &job["headwater"]["total"]), (202, &json!(3)));
    receiver.wait_for(5 + 5 + 3).await;
    server.until(&deliveries, "none has failed", |listed| count(listed) == 0).await;
}
