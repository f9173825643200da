//! Streams to AWS EventBridge, which moto plays: a rule of the account's owner sends to a queue what arrives at the bus.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::clients::{assert_success, is_prepared_for};
use crate::server::{Server, free_port, repository, variable, wait_for_port};

/// The account of the stream; moto's own, whose credentials the server has, is another one.
const ACCOUNT: &str = "222222222222";
const SOURCE: &str = "com.example.identity";
const USERS: usize = 12;

/// moto's server.
struct Aws {
    process: Child,
    python: String,
    endpoint: String,
}

impl Drop for Aws {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Aws {
    fn start(python: String) -> Self {
        let port = free_port();
        let mut moto = Command::new(&python);
        moto.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        let process = moto.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let aws = Self { process, python, endpoint: format!("http://127.0.0.1:{port}") };
        wait_for_port(port);
        aws
    }

    /// What the SDKs are told of it.
    fn variables(&self) -> [(&str, &str); 5] {
        [
            ("AWS_ENDPOINT_URL", &self.endpoint),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
    }

    /// Has the account's owner do something.
    fn owner(&self, words: &[&str]) -> String {
        let mut command = Command::new(&self.python);
        command.arg("bus.py").args(words).current_dir(repository().join("clients/moto")).envs(self.variables());
        assert_success(command, "bus.py")
    }
}

async fn create_stream(server: &Server) -> Value {
    let body = json!({
        "name": "to-eventbridge", "subscriptions": [{"event_type": "user.created"}, {"event_type": "user.deleted"}],
        "destination": {"type": "eventbridge", "configuration": {
            "aws_account_id": ACCOUNT, "aws_region": "eu-west-1"}},
    });
    let (status, stream) = server.call("POST", "event-streams", Some(body)).await;
    assert_eq!(status, 201, "{stream}");
    stream
}

#[tokio::test]
async fn a_rule_of_another_account_gets_the_events_through_an_assumed_role() {
    if !is_prepared_for("MOTO") {
        return;
    }
    let aws = Aws::start(variable("HEADWATER_TEST_MOTO").unwrap());
    aws.owner(&["bus", "identity", SOURCE]);
    let mut settings = aws.variables().to_vec();
    settings.extend([
        ("HEADWATER_EVENTBRIDGE_BUS", "identity"),
        ("HEADWATER_EVENTBRIDGE_ROLE", "arn:aws:iam::{account}:role/headwater"),
        ("HEADWATER_EVENTBRIDGE_SOURCE", SOURCE),
    ]);
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    let stream = create_stream(&server).await;
    let mut created = BTreeSet::new();
    for number in 0..USERS {
        let user = server.create_user(&format!("user-{number}")).await;
        created.insert(user["user_id"].as_str().unwrap().to_owned());
    }
    let received: Vec<Value> = serde_json::from_str(&aws.owner(&["receive", &USERS.to_string()])).unwrap();
    let mut arrived = BTreeSet::new();
    for event in &received {
        let detail = &event["detail"];
        assert_eq!(
            (&event["source"], &event["detail-type"], &event["region"]),
            (&json!(SOURCE), &json!("user.created"), &json!("eu-west-1"))
        );
        assert_eq!((&detail["specversion"], &detail["type"]), (&json!("1.0"), &json!("user.created")));
        assert_eq!(detail["a0stream"], stream["id"]);
        arrived.insert(detail["data"]["object"]["user_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(arrived, created);
    let path = format!("event-streams/{}/deliveries", stream["id"].as_str().unwrap());
    assert_eq!(server.call("GET", &path, None).await, (200, json!({"deliveries": []})));
}

#[tokio::test]
async fn what_aws_refuses_is_told_in_the_failed_delivery() {
    if !is_prepared_for("MOTO") {
        return;
    }
    let aws = Aws::start(variable("HEADWATER_TEST_MOTO").unwrap());
    let mut settings = aws.variables().to_vec();
    settings.push(("HEADWATER_EVENTBRIDGE_BUS", "not-there"));
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    let stream = create_stream(&server).await;
    server.create_user("ada").await;
    let path = format!("event-streams/{}/deliveries", stream["id"].as_str().unwrap());
    let failed = server.until(&path, "the event has failed", |answer| answer["deliveries"][0].is_object()).await;
    let attempts = failed["deliveries"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{failed}");
    // The contract cuts messages at 50 characters.
    let message = attempts[0]["error_message"].as_str().unwrap();
    assert!(message.starts_with("ResourceNotFoundException: Event bus not-there"), "{message}");
}

#[tokio::test]
async fn a_partner_event_source_is_made_and_deleted_with_its_stream() {
    if !is_prepared_for("MOTO") {
        return;
    }
    let aws = Aws::start(variable("HEADWATER_TEST_MOTO").unwrap());
    let mut settings = aws.variables().to_vec();
    settings.extend([("HEADWATER_EVENTBRIDGE_MODE", "partner"), ("HEADWATER_EVENTBRIDGE_PARTNER", "example.com")]);
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    let stream = create_stream(&server).await;
    let source = stream["destination"]["configuration"]["aws_partner_event_source"].as_str().unwrap();
    assert!(source.starts_with("aws.partner/example.com/"), "{source}");
    aws.owner(&["source", source, "ACTIVE"]);
    let path = format!("event-streams/{}", stream["id"].as_str().unwrap());
    assert_eq!(server.call("DELETE", &path, None).await.0, 204);
    aws.owner(&["source", source, "DELETED"]);
}
