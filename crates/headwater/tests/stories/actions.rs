//! Actions through the built binary: from code over the API to its effect, and to its end with the server.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::receiver::{PATIENCE, Receiver};
use crate::server::Server;

/// Sends what it gets on, with its secret.
const SENDS_ON: &str = "exports.onExecuteEventStream = async (event) => {
    const answer = await fetch(event.secrets.URL, { method: 'POST', body: JSON.stringify(event.message) });
    if (!answer.ok) throw new Error(`the receiver answered ${answer.status}`);
};";

impl Server {
    async fn create_action(&self, name: &str, code: &str, url: &str) -> String {
        let body = json!({
            "name": name, "code": code, "secrets": [{"name": "URL", "value": url}],
            "supported_triggers": [{"id": "event-stream", "version": "v1"}],
        });
        let (status, action) = self.call("POST", "actions/actions", Some(body)).await;
        assert_eq!((status, &action["status"]), (201, &json!("built")), "{action}");
        let id = action["id"].as_str().unwrap().to_owned();
        let (status, version) = self.call("POST", &format!("actions/actions/{id}/deploy"), None).await;
        assert_eq!(status, 200, "{version}");
        id
    }

    async fn create_acting_stream(&self, action: &str) -> String {
        let body = json!({
            "subscriptions": [{"event_type": "user.created"}],
            "destination": {"type": "action", "configuration": {"action_id": action}},
        });
        let (status, stream) = self.call("POST", "event-streams", Some(body)).await;
        assert_eq!(status, 201, "{stream}");
        stream["id"].as_str().unwrap().to_owned()
    }

    /// The processes that it has started.
    fn children(&self) -> Vec<u32> {
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(|pid| status(*pid, "PPid:") == Some(self.pid().to_string())).collect()
    }
}

fn status(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
}

async fn until(what: &str, check: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_gets_events_and_what_it_throws_is_listed_with_its_console() {
    let receiver = Receiver::start().await;
    let server = Server::start().await;
    let url = format!("http://{}/in", receiver.address);
    let action = server.create_action("sends on", SENDS_ON, &url).await;
    let stream = server.create_acting_stream(&action).await;
    server.create_user("jane").await;
    receiver.wait_for(1).await;
    let event = receiver.bodies().remove(0);
    assert_eq!(event["type"], "user.created");
    assert!(event.get("a0tenant").is_none(), "{event}");

    // A change of the draft changes nothing until it is deployed.
    let code = "exports.onExecuteEventStream = async (event) => {\n  console.log('about', event.message.id);\n  throw new Error('not today');\n};";
    let path = format!("actions/actions/{action}");
    let (status, changed) = server.call("PATCH", &path, Some(json!({"code": code}))).await;
    assert_eq!((status, &changed["status"]), (200, &json!("built")), "{changed}");
    let test = json!({"payload": {"message": {"id": "evt_1"}}});
    let (status, tried) = server.call("POST", &format!("{path}/test"), Some(test)).await;
    assert_eq!(status, 200, "{tried}");
    assert_eq!(tried["payload"]["error_message"], "Error: not today (line 3)", "{tried}");
    assert_eq!(tried["payload"]["console"][0]["text"], "about evt_1", "{tried}");
    server.create_user("joe").await;
    receiver.wait_for(2).await;

    assert_eq!(server.call("POST", &format!("{path}/deploy"), None).await.0, 200);
    let deliveries = format!("event-streams/{stream}/deliveries");
    let failed = |answer: &Value| !answer["deliveries"].as_array().unwrap().is_empty();
    let mut number = 0;
    let listed = loop {
        // The stream hears of the deployment a moment later.
        server.create_user(&format!("u{number}")).await;
        number += 1;
        let (_, answer) = server.call("GET", &deliveries, None).await;
        if failed(&answer) {
            break answer;
        }
        assert!(number < 1000, "the new version never ran");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let attempt = &listed["deliveries"][0]["attempts"][0];
    assert_eq!(attempt["error_message"], "Error: not today (line 3)");
    let id = listed["deliveries"][0]["id"].as_str().unwrap();
    assert_eq!(attempt["headwater"]["console"], json!([{"level": "log", "text": format!("about {id}")}]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn code_that_cannot_run_is_refused_before_it_is_deployed() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let server = Server::start_with(folder, &[("HEADWATER_ACTION_TIMEOUT", "1s")]).await;
    for (code, reason) in [
        ("exports.onExecuteEventStream = async (event) => {\n  const = 1;\n};", "SyntaxError"),
        ("exports.another = 1;", "does not export a function onExecuteEventStream"),
        ("const axios = require('axios');", "require('axios'): packages are not available"),
        ("while (true) {}", "did not end within"),
    ] {
        let triggers = json!([{"id": "event-stream", "version": "v1"}]);
        let body = json!({"name": format!("broken by {reason}"), "code": code, "supported_triggers": triggers});
        let (status, action) = server.call("POST", "actions/actions", Some(body)).await;
        assert_eq!((status, &action["status"]), (201, &json!("failed")), "{action}");
        assert!(action["headwater"]["build_error"].as_str().unwrap().contains(reason), "{action}");
        let path = format!("actions/actions/{}/deploy", action["id"].as_str().unwrap());
        let (status, refused) = server.call("POST", &path, None).await;
        assert_eq!(status, 400, "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_process_of_an_action_outlives_the_server_however_it_ends() {
    let server = Server::start().await;
    let endless = "exports.onExecuteEventStream = () => { while (true) {} };";
    let action = server.create_action("endless", endless, "http://127.0.0.1:9").await;
    server.create_acting_stream(&action).await;
    server.create_user("jane").await;
    until("the action runs", || !server.children().is_empty()).await;
    let children = server.children();
    let folder = server.crash();
    until("its processes have ended", || children.iter().all(|pid| status(*pid, "PPid:").is_none())).await;

    // What was under way is begun again after the crash; an orderly end leaves nothing either.
    let mut server = Server::start_with(folder, &[("HEADWATER_SHUTDOWN_TIMEOUT", "200ms")]).await;
    until("the action runs again", || !server.children().is_empty()).await;
    let children = server.children();
    server.signal("TERM");
    server.ended().await;
    until("its processes have ended", || children.iter().all(|pid| status(*pid, "PPid:").is_none())).await;
}
