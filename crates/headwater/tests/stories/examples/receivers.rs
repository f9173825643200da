//! The receivers: each takes in what is new, discards what it has had and what is older than what it knows, and refuses
//! what the stream has not sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Program, folder, node};
use crate::server::{Server, free_port, is_prepared_for, variable};

const TOKEN: &str = "a-token-for-the-receiver";
const ANOTHER_SECRET: &str = "whsec_YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgZm9yIHRlc3Rz";

/// What a receiver looks at to know who sends.
#[derive(PartialEq)]
enum Checks {
    Token,
    TokenAndSignature,
}

struct Receiver {
    program: Program,
    database: PathBuf,
    _folder: tempfile::TempDir,
}

impl Receiver {
    fn start(mut command: Command, port: u16, secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("receiver.db");
        command
            .env("PORT", port.to_string())
            .env("RECEIVER_TOKEN", TOKEN)
            .env("RECEIVER_SECRET", secret)
            .env("RECEIVER_DATABASE", &database)
            .env("DATABASE_URL", format!("file:{}", database.display()));
        Self { program: Program::start(command, port), database, _folder: folder }
    }

    /// What has become of the requests so far, when there were so many: the lines without the events' ids.
    async fn outcomes(&self, count: usize) -> Vec<String> {
        let of = |lines: &[String]| -> Vec<String> {
            let without_id = |line: &String| match line.split_once(' ') {
                Some((id, rest)) if id.starts_with("evt_") => Some(rest.to_owned()),
                _ => line.starts_with("refused: ").then(|| line.clone()),
            };
            lines.iter().filter_map(without_id).collect()
        };
        of(&self.program.prints(&format!("{count} outcomes"), |lines| of(lines).len() >= count).await)
    }

    /// The next outcomes, after so many.
    async fn next(&self, seen: &mut usize, expected: &[&str]) {
        *seen += expected.len();
        let outcomes = self.outcomes(*seen).await;
        assert_eq!(outcomes[*seen - expected.len()..], *expected);
    }

    /// Its users: the address, if it knows one, of each that it has a profile of or had.
    fn users(&self) -> BTreeMap<String, Option<String>> {
        let database = rusqlite::Connection::open(&self.database).unwrap();
        let mut users = database.prepare("SELECT user_id, email, profile FROM users").unwrap();
        let user = |row: &rusqlite::Row<'_>| {
            let (email, profile): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
            let profile: Option<Value> = profile.map(|text| serde_json::from_str(&text).unwrap());
            assert_eq!(profile.and_then(|profile| profile["email"].as_str().map(str::to_owned)), email);
            Ok((row.get(0)?, email))
        };
        users.query_map([], user).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// How many events it has noted, each with an offset to go on from.
    fn noted(&self) -> usize {
        let database = rusqlite::Connection::open(&self.database).unwrap();
        let of_all = r#"SELECT count(*), count("offset") FROM events"#;
        let (all, with_offset): (usize, usize) =
            database.query_row(of_all, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(all, with_offset);
        all
    }
}

fn destination(endpoint: &str, token: &str) -> Value {
    json!({"type": "webhook", "configuration": {
        "webhook_endpoint": endpoint, "webhook_authorization": {"method": "bearer", "token": token},
    }})
}

/// A stream in the order of the log, and the secret that it signs with.
async fn stream(server: &Server, endpoint: &str) -> (String, String) {
    let types = ["user.created", "user.updated", "user.deleted", "organization.created"];
    let body = json!({
        "subscriptions": types.map(|name| json!({"event_type": name})), "destination": destination(endpoint, TOKEN),
        "headwater": {"ordering": "strict", "signing": {"algorithm": "hmac-sha256"}},
    });
    let (status, stream) = server.call("POST", "event-streams", Some(body)).await;
    assert_eq!(status, 201, "{stream}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&stream["id"]), text(&stream["headwater"]["signing"]["secrets"][0]))
}

/// An event of a system of one's own, about one user: the second of its day in which the user got the address.
fn published(kind: &str, second: u32, email: &str) -> Value {
    let time = format!("2026-01-16T08:50:{second:02}.000Z");
    let user = json!({
        "user_id": "crm|1", "email": email, "identities": [], "created_at": "2026-01-16T08:50:00.000Z", "updated_at": time,
    });
    json!({
        "specversion": "1.0", "source": "urn:example:crm", "id": format!("crm-1-{second}"), "type": kind, "time": time,
        "data": {"object": user},
    })
}

/// A request of somebody who is not the stream.
async fn forged(endpoint: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = reqwest::Client::new().post(endpoint).json(&published("user.created", 59, "forged@example.com"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

/// Has a user created that is refused as a change of the stream has it, and delivered when that has been taken back.
async fn refused_and_redelivered(server: &Server, stream: &str, change: Value, back: Value, name: &str) {
    let path = format!("event-streams/{stream}");
    let (status, answer) = server.call("PATCH", &path, Some(change)).await;
    assert_eq!(status, 200, "{answer}");
    server.create_user(name).await;
    let deliveries = format!("{path}/deliveries");
    let one = |answer: &Value| answer["deliveries"].as_array().is_some_and(|list| list.len() == 1);
    let listed = server.until(&deliveries, "it is refused", one).await;
    let failed = &listed["deliveries"][0];
    assert!(failed["attempts"][0]["error_message"].as_str().unwrap().contains("401"), "{failed}");
    let (status, answer) = server.call("PATCH", &path, Some(back)).await;
    assert_eq!(status, 200, "{answer}");
    let id = failed["id"].as_str().unwrap();
    let (status, answer) = server.call("POST", &format!("{path}/redeliver/{id}"), None).await;
    assert_eq!(status, 202, "{answer}");
    server.until(&deliveries, "it is delivered", |answer| answer["deliveries"] == json!([])).await;
}

async fn plays_its_part(command: Command, port: u16, checks: Checks) {
    let server = Server::start().await;
    let endpoint = format!("http://127.0.0.1:{port}/webhook");
    let (stream, secret) = stream(&server, &endpoint).await;
    let receiver = Receiver::start(command, port, &secret);
    let mut seen = 0;

    let jane = server.create_user("jane").await["user_id"].as_str().unwrap().to_owned();
    let path = format!("users/{}", jane.replace('|', "%7C"));
    receiver.next(&mut seen, &["user.created: taken"]).await;
    assert_eq!(receiver.users()[&jane].as_deref(), Some("jane@example.com"));
    let (status, answer) = server.call("PATCH", &path, Some(json!({"email": "doe@example.com"}))).await;
    assert_eq!(status, 200, "{answer}");
    receiver.next(&mut seen, &["user.updated: taken"]).await;
    assert_eq!(receiver.users()[&jane].as_deref(), Some("doe@example.com"));

    let late = [
        published("user.created", 1, "first@example.com"),
        published("user.updated", 3, "third@example.com"),
        published("user.updated", 2, "second@example.com"),
    ];
    for event in late {
        let (status, answer) = server.call("POST", "events", Some(event)).await;
        assert_eq!(status, 202, "{answer}");
    }
    receiver.next(&mut seen, &["user.created: taken", "user.updated: taken", "user.updated: stale"]).await;
    assert_eq!(server.call("DELETE", &path, None).await.0, 204);
    let (status, answer) = server.call("POST", "organizations", Some(json!({"name": "acme"}))).await;
    assert_eq!(status, 201, "{answer}");
    receiver.next(&mut seen, &["user.deleted: taken", "organization.created: noted"]).await;
    let users = BTreeMap::from([(jane, None), ("crm|1".to_owned(), Some("third@example.com".to_owned()))]);
    assert_eq!(receiver.users(), users);

    // The same events once more, with the same ids.
    let first = receiver.outcomes(seen).await;
    let seek = json!({"to": "beginning"});
    let (status, answer) = server.call("POST", &format!("event-streams/{stream}/headwater/seek"), Some(seek)).await;
    assert_eq!(status, 200, "{answer}");
    let again: Vec<String> =
        first.iter().map(|outcome| format!("{}: duplicate", outcome.split_once(": ").unwrap().0)).collect();
    receiver.next(&mut seen, &again.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(receiver.users(), users);
    assert_eq!(receiver.noted(), first.len());

    assert_eq!(forged(&endpoint, &[]).await, 401);
    assert_eq!(forged(&endpoint, &[("authorization", "Bearer another")]).await, 401);
    receiver.next(&mut seen, &["refused: wrong token"; 2]).await;
    let (wrong, right) = (destination(&endpoint, "another"), destination(&endpoint, TOKEN));
    let (change, back) = (json!({"destination": wrong}), json!({"destination": right}));
    refused_and_redelivered(&server, &stream, change, back, "joe").await;
    receiver.next(&mut seen, &["refused: wrong token", "user.created: taken"]).await;
    if checks == Checks::TokenAndSignature {
        assert_eq!(forged(&endpoint, &[("authorization", &format!("Bearer {TOKEN}"))]).await, 401);
        let signing = |secret: &str| json!({"algorithm": "hmac-sha256", "secrets": [secret]});
        let (change, back) = (signing(ANOTHER_SECRET), signing(&secret));
        let (change, back) = (json!({"headwater": {"signing": change}}), json!({"headwater": {"signing": back}}));
        refused_and_redelivered(&server, &stream, change, back, "jim").await;
        let outcomes = receiver.outcomes(seen + 3).await;
        assert!(outcomes[seen..seen + 2].iter().all(|outcome| outcome.starts_with("refused: ")), "{outcomes:?}");
        assert_eq!(outcomes[seen + 2], "user.created: taken");
    }
    let emails: Vec<String> = receiver.users().into_values().flatten().collect();
    let signed = (checks == Checks::TokenAndSignature).then_some("jim@example.com");
    for email in ["joe@example.com"].into_iter().chain(signed) {
        assert!(emails.iter().any(|known| known == email), "{email} is not in {emails:?}");
    }
    assert!(emails.iter().all(|known| known != "forged@example.com"));
}

/// Vercel's own program that runs one function.
fn vercel(function: &str, port: u16) -> Command {
    let mut command = node("vercel", "node_modules/@vercel/node/dist/dev-server.mjs");
    command.env("VERCEL_DEV_ENTRYPOINT", function).env("VERCEL_DEV_PORT", port.to_string());
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_in_node_takes_events_in_once() {
    if is_prepared_for("NODE") {
        plays_its_part(node("node", "receiver.mjs"), free_port(), Checks::TokenAndSignature).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_in_python_takes_events_in_once() {
    if is_prepared_for("PYTHON_RECEIVER")
        && let Some(python) = variable("HEADWATER_TEST_PYTHON_RECEIVER")
    {
        let mut command = Command::new(python);
        command.arg("receiver.py").current_dir(folder("python"));
        plays_its_part(command, free_port(), Checks::TokenAndSignature).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_in_go_takes_events_in_once() {
    if is_prepared_for("GO_RECEIVER")
        && let Some(program) = variable("HEADWATER_TEST_GO_RECEIVER")
    {
        plays_its_part(Command::new(program), free_port(), Checks::TokenAndSignature).await;
    }
}

/// It is built with the workspace; beside the server, if it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receiver_in_rust_takes_events_in_once() {
    let program = Path::new(env!("CARGO_BIN_EXE_headwater")).with_file_name("example-receiver");
    if !program.is_file() {
        println!("skipped: `cargo test --workspace` builds it");
        return;
    }
    plays_its_part(Command::new(program), free_port(), Checks::TokenAndSignature).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_function_for_vercel_in_the_form_of_web_standards_takes_events_in_once() {
    if is_prepared_for("NODE") {
        let port = free_port();
        plays_its_part(vercel("api/webhook.js", port), port, Checks::TokenAndSignature).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_function_for_vercel_in_the_form_of_node_takes_events_in_once() {
    if is_prepared_for("NODE") {
        let port = free_port();
        plays_its_part(vercel("api/handler.js", port), port, Checks::Token).await;
    }
}
