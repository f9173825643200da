//! What an operator does when a receiver was down: test events, redelivery, what was missed.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::catalog::EventType;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::load::until;
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

/// Publishes users with these names, from several clients.
async fn publish(server: &Arc<Server>, names: Vec<String>) {
    let mut clients = JoinSet::new();
    for names in names.chunks(names.len().div_ceil(16)) {
        let (server, names) = (Arc::clone(server), names.to_vec());
        clients.spawn(async move {
            for name in names {
                let event = json!({
                    "specversion": "1.0", "type": "user.created", "source": "urn:crm", "id": name,
                    "data": {"object": {"user_id": name}},
                });
                let (status, answer) = server.call("POST", "events", Some(event)).await;
                assert_eq!(status, 202, "{answer}");
            }
        });
    }
    clients.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_are_redelivered_across_a_kill_beside_new_events() {
    const COUNT: usize = 2000;
    let settings = [("HEADWATER_FAILURES_IN_ROW_MAX", "1000000"), ("HEADWATER_FAILURES_OUTSTANDING_MAX", "1000000")];
    let receiver = Receiver::start().await;
    let start = async |folder| Arc::new(Server::start_with(folder, &settings).await);
    let server = start(Arc::new(tempfile::tempdir().unwrap())).await;
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let path = format!("event-streams/{stream}");
    receiver.otherwise(Answer::Status(410));
    publish(&server, (0..COUNT).map(|number| format!("old{number}")).collect()).await;
    receiver.wait_for(COUNT).await;
    // An orderly stop saves that they have failed.
    let mut server = Arc::into_inner(server).expect("the clients have ended");
    server.signal("TERM");
    assert!(server.ended().await.success());
    let server = start(server.crash()).await;

    receiver.otherwise(Answer::Status(204));
    let asked = json!({"headwater": {"rate_per_s": 250}});
    let (status, job) = server.call("POST", &format!("{path}/redeliver"), Some(asked)).await;
    assert_eq!((status, &job["headwater"]["total"]), (202, &json!(COUNT)));
    let job = format!("{path}/headwater/redeliveries/{}", job["headwater"]["id"].as_str().unwrap());
    let redelivered = |job: &Value| job["redelivered"].as_u64().unwrap();
    let before = server.until(&job, "some are redelivered", |job| redelivered(job) >= 200).await;
    let server = start(Arc::into_inner(server).expect("nobody else uses it").crash()).await;
    let after = server.call("GET", &job, None).await.1;
    assert!(redelivered(&after) >= redelivered(&before), "{before}, then {after}");
    assert_eq!(after["status"], "running");

    publish(&server, (0..50).map(|number| format!("new{number}")).collect()).await;
    let news = || receiver.users().iter().filter(|user| user.starts_with("new")).count();
    until("the new ones have come", || news() == 50).await;
    let beside = server.call("GET", &job, None).await.1;
    assert_eq!(beside["status"], "running", "they have not waited for it: {beside}");

    let ended = server.until(&job, "the job has ended", |job| job["status"] != "running").await;
    let counts = ["redelivered", "failed", "waiting", "total"].map(|member| ended[member].as_u64().unwrap());
    assert_eq!(counts, [COUNT as u64, 0, 0, COUNT as u64], "{ended}");
    let received = receiver.users();
    let olds: BTreeSet<_> = received[COUNT..].iter().filter(|user| user.starts_with("old")).collect();
    assert_eq!(olds.len(), COUNT, "each has come after it had failed");
    let (_, listed) = server.call("GET", &format!("{path}/deliveries"), None).await;
    assert_eq!(listed["deliveries"], json!([]));
}
