//! A function that Inngest's SDK serves, for events that the stream has made into Inngest's form. Inngest itself is played
//! by the example's stand-in for its event API.

use serde_json::{Value, json};

use super::{Program, node};
use crate::receiver::PATIENCE;
use crate::server::{Server, free_port, is_prepared_for};

const KEY: &str = "a-key-of-the-environment";
/// As in docs/guides/inngest.md.
const TRANSFORM: &str =
    "{'name': 'headwater/' + event.type, 'id': event.id, 'data': {'object': event.data.object, 'time': event.time}}";

async fn stream(server: &Server, endpoint: &str) -> String {
    let authorization = json!({"method": "bearer", "token": "inngest does not look at it"});
    let body = json!({
        "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.deleted"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": endpoint, "webhook_authorization": authorization,
        }},
        "headwater": {"transform": TRANSFORM},
    });
    let (status, stream) = server.call("POST", "event-streams", Some(body)).await;
    assert_eq!(status, 201, "{stream}");
    stream["id"].as_str().unwrap().to_owned()
}

/// Has the functions register themselves, as Inngest has them do.
async fn register(functions: u16) {
    let url = format!("http://127.0.0.1:{functions}/api/inngest");
    let answer = reqwest::Client::new().put(url).timeout(PATIENCE).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap()["modified"], true);
}

fn has(lines: &[String], end: &str, count: usize) -> bool {
    lines.iter().filter(|line| line.ends_with(end)).count() >= count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_inngests_sdk_serves_runs_once_for_an_event() {
    if !is_prepared_for("NODE") {
        return;
    }
    let (server, api, port) = (Server::start().await, free_port(), free_port());
    let mut command = node("inngest", "event-api.mjs");
    command.env("PORT", api.to_string()).env("INNGEST_EVENT_KEY", KEY);
    let event_api = Program::start(command, api);
    let mut command = node("inngest", "serve.mjs");
    command.env("PORT", port.to_string()).env("INNGEST_DEV", format!("http://127.0.0.1:{api}"));
    let functions = Program::start(command, port);
    register(port).await;

    let stream_id = stream(&server, &format!("http://127.0.0.1:{api}/e/{KEY}")).await;
    let jane = server.create_user("jane").await["user_id"].as_str().unwrap().to_owned();
    functions.prints("the welcome", |lines| has(lines, "welcome jane@example.com", 1)).await;
    let path = format!("users/{}", jane.replace('|', "%7C"));
    assert_eq!(server.call("DELETE", &path, None).await.0, 204);
    functions.prints("the farewell", |lines| has(lines, &format!("forget {jane}"), 1)).await;
    event_api.prints("both runs", |lines| has(lines, "crm-forget-user completed", 1)).await;

    let seek = json!({"to": "beginning"});
    let (status, answer) = server.call("POST", &format!("event-streams/{stream_id}/headwater/seek"), Some(seek)).await;
    assert_eq!(status, 200, "{answer}");
    event_api.prints("both again", |lines| has(lines, ": duplicate", 2)).await;
    server.create_user("joe").await;
    let lines = functions.prints("another welcome", |lines| has(lines, "welcome joe@example.com", 1)).await;
    assert_eq!(lines.iter().filter(|line| line.contains("jane@example.com")).count(), 1, "{lines:?}");

    let wrong = stream(&server, &format!("http://127.0.0.1:{api}/e/another")).await;
    server.create_user("jim").await;
    let path = format!("event-streams/{wrong}/deliveries");
    let listed = server.until(&path, "the key is refused", |answer| answer["deliveries"][0].is_object()).await;
    let failed = &listed["deliveries"][0];
    assert!(failed["attempts"][0]["error_message"].as_str().unwrap().contains("401"), "{failed}");
}
