//! A receiver goes down for good, and comes back: whoever watches is told, and the stream comes back by itself.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::receiver::{Answer, Receiver};
use crate::server::Server;

const IN_ROW_MAX: usize = 10;

/// The types of the alerts that a watcher has got, without what they tell of on the way to the limit.
fn told(watcher: &Receiver) -> Vec<Value> {
    watcher.bodies().iter().map(|alert| alert["type"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_watches_is_told_of_a_stream_that_fails_and_it_comes_back_by_itself() {
    let in_row_max = IN_ROW_MAX.to_string();
    let settings = [
        ("HEADWATER_FAILURES_IN_ROW_MAX", in_row_max.as_str()),
        ("HEADWATER_PROBE_WAIT_MIN", "200ms"),
        ("HEADWATER_PROBE_WAIT_MAX", "1s"),
    ];
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    let (crm, watcher) = (Receiver::start().await, Receiver::start().await);
    let stream = server.create_stream(&format!("http://{}/in", crm.address), &["user.created"]).await;
    let path = format!("event-streams/{stream}");
    let (status, _) = server.call("PATCH", &path, Some(json!({"headwater": {"recover": "probe"}}))).await;
    assert_eq!(status, 200);
    let alerts = ["headwater.stream.failing", "headwater.stream.disabled", "headwater.stream.recovered"];
    server.create_stream(&format!("http://{}/in", watcher.address), &alerts).await;

    crm.otherwise(Answer::Status(410));
    for number in 0..IN_ROW_MAX {
        server.create_user(&format!("down{number}")).await;
    }
    server.until(&path, "it is disabled", |stream| stream["status"] == "disabled").await;
    server.create_user("missed").await;
    crm.otherwise(Answer::Status(204));
    server.until(&path, "it is enabled", |stream| stream["status"] == "enabled").await;
    server.create_user("after").await;

    // The probe, what was missed, and what came after.
    let arrived = |name: &str| crm.bodies().iter().any(|event| event["data"]["object"]["email"] == json!(name));
    server
        .until(&path, "it has got everything", |_| arrived("missed@example.com") && arrived("after@example.com"))
        .await;
    server.until(&path, "the watcher knows", |_| told(&watcher).iter().any(|kind| kind == alerts[2])).await;
    let disabled: Vec<Value> = watcher.bodies().into_iter().filter(|alert| alert["type"] == json!(alerts[1])).collect();
    assert_eq!(disabled.len(), 1, "{:?}", told(&watcher));
    let object = &disabled[0]["data"]["object"];
    assert_eq!((&object["id"], &object["reason"]), (&json!(stream), &json!("failures_in_row")));
    assert_eq!((&object["threshold_percent"], &object["last_error"]["http_status"]), (&json!(100), &json!(410)));
}
