//! `headwater api`.

use std::io::{BufRead, BufReader};

use serde_json::json;

use super::{Client, Terminal, json_of, terminal};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_indented_and_nothing_is_printed_of_an_empty_one() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let body = Server::user_body("jane").to_string();
    let created = client.run_with_input(&["api", "post", "users"], &body);
    assert_eq!(created.code, 0, "{}", created.stderr);
    let id = json_of(&created.stdout)["user_id"].as_str().unwrap().to_owned();
    assert!(created.stdout.starts_with("{\n  \""), "{}", created.stdout);
    assert_eq!(
        client.done(&["api", "users", "-q", "fields=email"]),
        "[\n  {\n    \"email\": \"jane@example.com\"\n  }\n]\n"
    );
    let path = format!("users/{}", id.replace('|', "%7C"));
    let changed = client.done(&["api", "PATCH", &path, "-d", r#"{"name":"Jane"}"#]);
    assert_eq!(json_of(&changed)["name"], "Jane");
    assert_eq!(client.done(&["api", "delete", &path]), "", "a script has said what it wants");
    assert_eq!(server.call("GET", "users", None).await.1, json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_printed_with_what_to_do_next() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let refused = client.run(&["api", "get", "users/auth0%7Cnobody"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    let says = "error: API request failed: {\"statusCode\":404,";
    assert!(refused.stderr.starts_with(says), "{}", refused.stderr);
    let created =
        client.done(&["apps", "create", "-n", "narrow", "-t", "m2m", "--scopes", "read:events", "-r", "--json"]);
    let mut narrow = Client::of(&server);
    narrow.set("HEADWATER_CLIENT_ID", json_of(&created)["client_id"].as_str().unwrap());
    narrow.set("HEADWATER_CLIENT_SECRET", json_of(&created)["client_secret"].as_str().unwrap());
    let lacking = narrow.run(&["api", "users"]);
    assert_eq!(lacking.code, 1);
    assert!(lacking.stderr.contains("API request failed: {") && lacking.stderr.contains("scopes: read:users"));
    for words in [&["api", "post", "users", "-d", "{"][..], &["api", "users", "-q", "page"], &["api", "fetch", "users"]]
    {
        assert_eq!(client.run(words).code, 2, "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_may_be_repeated_and_events_are_printed_as_they_come() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let words = ["api", "get", "events", "-q", "event_type=user.created", "-q", "event_type=user.deleted"];
    let mut command = client.command(&words).spawn().unwrap();
    let lines = BufReader::new(command.stdout.take().unwrap()).lines();
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    // The first line, a comment or a retry, comes when the stream is open.
    let first = tokio::time::timeout(crate::receiver::PATIENCE, seen.recv()).await;
    first.expect("the stream begins").expect("it has not ended");
    let id = server.create_user("jane").await["user_id"].as_str().unwrap().replace('|', "%7C");
    assert_eq!(server.call("PATCH", &format!("users/{id}"), Some(json!({"name": "J"}))).await.0, 200);
    assert_eq!(server.call("DELETE", &format!("users/{id}"), None).await.0, 204);
    let events = async {
        let mut events = Vec::new();
        while events.last().is_none_or(|event| event != "user.deleted") {
            let line = seen.recv().await.expect("the stream goes on");
            events.extend(line.strip_prefix("event: ").map(str::to_owned).filter(|name| name.starts_with("user.")));
        }
        events
    };
    let events = tokio::time::timeout(crate::receiver::PATIENCE, events).await.expect("the events come");
    assert_eq!(events, ["user.created", "user.deleted"]);
    command.kill().unwrap();
    command.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_a_delete_asks() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let stream = server.create_stream("http://127.0.0.1:9/in", &["user.created"]).await;
    let path = format!("event-streams/{stream}");
    let mut terminal = Terminal::start(&client, &["api", "delete", &path]);
    terminal.wait_for("Are you sure you want to proceed?").press("n");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(server.call("GET", &path, None).await.0, 200);
    let mut terminal = Terminal::start(&client, &["api", "delete", &path]);
    terminal.wait_for("Are you sure you want to proceed?").press(terminal::CTRL_C);
    assert_eq!(terminal.ended(), 130);
    assert_eq!(Terminal::start(&client, &["api", "delete", &path, "--force"]).ended(), 0);
    assert_eq!(server.call("GET", &path, None).await.0, 404);
}
