//! `headwater receive`: a ready receiver, fed by a stream and by `headwater listen`.

use serde_json::Value;

use super::{Client, Running};
use crate::postgres::Postgres;
use crate::server::{Server, free_port};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// `headwater receive` with JSON lines, up to when it listens.
fn receiving(client: &Client, port: u16, words: &[&str]) -> Running {
    let port = port.to_string();
    let mut running = Running::start(client, &[&["receive", "--json", "--port", &port][..], words].concat());
    running.wait_for_message("Receiving at http://127.0.0.1:");
    running
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_and_listen_keep_a_table_current_and_each_event_counts_once() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("users.db").display().to_string();
    let port = free_port();
    let words = ["--token", "receiver-token", "--sqlite", &database];
    let mut receiver = receiving(&client, port, &words);
    let endpoint = format!("http://127.0.0.1:{port}/webhook");
    server.create_stream(&endpoint, &["user.created", "user.updated", "user.deleted"]).await;
    let user = server.create_user("jane").await;
    let id = user["user_id"].as_str().unwrap();
    let path = format!("users/{}", id.replace('|', "%7C"));
    let applied = parsed(&receiver.wait_for("user.created"));
    assert_eq!(
        (&applied["result"], &applied["user_id"], &applied["status"]),
        (&"applied".into(), &id.into(), &204.into())
    );
    server.call("PATCH", &path, Some(serde_json::json!({"name": "Jane Doe"}))).await;
    receiver.wait_for("user.updated");

    // The same events a second time, by another way.
    let listen = ["listen", "--forward-to", &endpoint, "--auth", "bearer:receiver-token", "--since", "1h"];
    let mut listening = Running::start(&client, &listen);
    listening.wait_for("user.updated");
    receiver.wait_for("\"duplicate\"");
    assert_eq!(listening.interrupt().0, 0);
    assert_eq!(receiver.interrupt().0, 0);

    let mut receiver = receiving(&client, port, &words);
    server.call("DELETE", &path, None).await;
    assert_eq!(parsed(&receiver.wait_for("user.deleted"))["result"], "applied");
    assert_eq!(receiver.interrupt().0, 0);
    let found = sqlite(&database, "SELECT user_id || ' ' || deleted || ' ' || (email IS NULL) FROM users");
    assert_eq!(found, format!("{id} 1 1"), "nothing of the person is left");
}

/// What a query answers, by way of Python, which has SQLite.
fn sqlite(database: &str, query: &str) -> String {
    let program = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])";
    let output = std::process::Command::new("python3").args(["-c", program, database, query]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_believed_is_told_and_shown() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let port = free_port();
    let mut receiver = receiving(&client, port, &["--signing-secret", SECRET]);
    let endpoint = format!("http://127.0.0.1:{port}/");
    let mut unsigned = Running::start(&client, &["listen", "--forward-to", &endpoint]);
    unsigned.wait_for_message("Press Ctrl+C to end.");
    server.create_user("unsigned").await;
    assert!(unsigned.wait_for("  401  ").contains("expected the headers webhook-id"));
    assert_eq!(parsed(&receiver.wait_for("refused"))["status"], 401);
    unsigned.interrupt();
    let mut signed = Running::start(&client, &["listen", "--forward-to", &endpoint, "--sign", SECRET]);
    signed.wait_for_message("Press Ctrl+C to end.");
    server.create_user("signed").await;
    signed.wait_for("  204  ");
    receiver.wait_for("applied");
    signed.interrupt();
    let (code, _, said) = receiver.interrupt();
    assert_eq!(code, 0);
    assert!(!said.join("\n").contains("warning"), "{said:?}");
    let mut open = receiving(&client, free_port(), &[]);
    open.wait_for_message("warning: whoever reaches it is believed");
    assert_eq!(open.interrupt().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_table_is_kept_current_although_the_database_goes_away_meanwhile() {
    let Some(postgres) = Postgres::start() else { return };
    let server = Server::start().await;
    let client = Client::of(&server);
    let port = free_port();
    let mut receiver = receiving(&client, port, &["--token", "receiver-token", "--postgres", &postgres.url()]);
    server.create_stream(&format!("http://127.0.0.1:{port}/"), &["user.created"]).await;
    server.create_user("first").await;
    receiver.wait_for("applied");
    postgres.stop();
    let second = server.create_user("second").await;
    assert_eq!(parsed(&receiver.wait_for("refused"))["status"], 503);
    postgres.run_on();
    receiver.wait_for(second["user_id"].as_str().unwrap());
    assert_eq!(postgres.run("SELECT email FROM users ORDER BY email"), "first@example.com\nsecond@example.com");
    assert_eq!(receiver.interrupt().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_said_before_anything_is_received() {
    let client = Client::without_server();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (words, says) in [
        (&["--port", &port][..], "choose another --port"),
        (&["--sqlite", "/nowhere/at/all"], "--sqlite /nowhere/at/all"),
        (&["--postgres", "postgres://a:hunter2@127.0.0.1:1/x"], "--postgres"),
        (&["--signing-secret", "hunter2"], "--signing-secret: expected whsec_"),
        (&["--token", ""], "an empty secret is none"),
    ] {
        let wrong = client.run(&[&["receive"][..], words].concat());
        assert_ne!(wrong.code, 0, "{words:?}");
        assert!(wrong.stderr.contains(says) && !wrong.stderr.contains("hunter2"), "{}", wrong.stderr);
    }
}
