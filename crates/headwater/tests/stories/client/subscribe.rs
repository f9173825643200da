//! `headwater events subscribe` and `headwater events tail`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, Running, Terminal, restarted, terminal};
use crate::receiver::{Answer, Receiver};
use crate::server::Server;

/// Whoever begins before the log does gets everything, whenever it connects.
const FROM_THE_BEGINNING: &str = "--from-timestamp=2026-01-01T00:00:00Z";

/// The parts of an event's line.
fn columns(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

async fn server_with(settings: &[(&str, &str)]) -> Server {
    Server::start_with(Arc::new(tempfile::tempdir().unwrap()), settings).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribe_shows_a_line_an_event_and_ends_with_a_summary_that_says_where_to_go_on() {
    let server = server_with(&[("HEADWATER_EVENTS_HEARTBEAT", "100ms")]).await;
    let client = Client::of(&server);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl").display().to_string();
    let words = ["events", "subscribe", "--event-type", "user.created,user.deleted", "--show-heartbeats"];
    let mut running = Running::start(&client, &[&words[..], &["--output-file", &file]].concat());
    running.wait_for_message("Subscribed to event stream. Press Ctrl+C to disconnect.");
    let user = server.create_user("first").await;
    let line = running.wait_for("user.created");
    assert_eq!(
        (line.get(8..10), line.get(10..44)),
        (Some("  "), Some(format!("{:32}  ", "user.created").as_str())),
        "{line}"
    );
    let parts = columns(&line);
    assert_eq!((parts.len(), parts[2].starts_with("urn:"), parts[3].starts_with("evt_")), (4, true, true), "{line}");
    assert!(!line.contains('\x1b'), "no colours without a terminal");
    running.wait_for("heartbeat");
    let (code, _, said) = running.interrupt();
    assert_eq!(code, 0, "{said:?}");
    let place = said.iter().position(|line| line == "Disconnected. Summary:").unwrap();
    assert!(said[place + 1].contains("Duration:") && said[place + 2].ends_with("Events received:  1"), "{said:?}");
    assert!(said.iter().any(|line| line == "    user.created  1"), "{said:?}");
    let resume = said.last().unwrap().strip_prefix("Resume with: headwater events subscribe --from ").unwrap();

    let written: Vec<Value> =
        std::fs::read_to_string(&file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&Value> = written.iter().filter(|message| message["type"] == "user.created").collect();
    assert_eq!(events[0]["event"]["data"]["object"]["user_id"], user["user_id"]);
    assert!(written.iter().any(|message| message["type"] == "offset-only" && message["offset"].is_string()));

    server.create_user("second").await;
    let mut resumed = Running::start(&client, &["events", "subscribe", "--from", resume, "--json-compact"]);
    let message: Value = serde_json::from_str(&resumed.wait_for("user.created")).unwrap();
    assert_eq!(message["event"]["data"]["object"]["email"], "second@example.com");
    let members: Vec<&String> = message.as_object().unwrap().keys().collect();
    assert_eq!((members.len(), message["type"].as_str(), resumed.stdout().len()), (3, Some("user.created"), 1));
    assert_eq!(resumed.interrupt().0, 0);

    let from = events[0]["event"]["time"].as_str().unwrap();
    let mut whole = Running::start(&client, &["event-streams", "subscribe", "--from-timestamp", from, "-v"]);
    whole.wait_for("    \"type\": \"user.created\"");
    whole.wait_for("second@example.com");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribe_says_what_is_wrong_and_what_to_do() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let list = client.done(&["events", "subscribe", "--list-event-types"]);
    assert_eq!((list.lines().next(), list.lines().count()), (Some("Supported event types:"), 26));
    let wrong = client.run(&["events", "subscribe", "--event-type", "user.created,x"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("invalid --event-type value \"x\"") && wrong.stderr.contains("--list-event-types"));
    let offset = client.run(&["events", "subscribe", "--from", "nonsense"]);
    assert_eq!(offset.code, 1);
    assert!(offset.stderr.contains("hint: use an offset that this server has given"), "{}", offset.stderr);
    for pair in [["--no-reconnect", "--max-reconnects=3"], ["--from=x", "--from-timestamp=2026-01-16T08:50:33Z"]] {
        assert_eq!(client.run(&["events", "subscribe", pair[0], pair[1]]).code, 2);
    }
    let nowhere = client.run(&["events", "subscribe", "--output-file", "/nowhere/at/all"]);
    assert!(nowhere.code == 1 && nowhere.stderr.contains("--output-file"), "{}", nowhere.stderr);

    let mut modest = Client::of(&server);
    for (name, value) in application(&server, "read:users").await {
        modest.set(name, &value);
    }
    for words in [&["events", "subscribe"][..], &["events", "tail"], &["listen", "--forward-to", "localhost:9/in"]] {
        let refused = modest.run(words);
        assert_eq!(refused.code, 1, "{words:?}");
        assert!(refused.stderr.contains("403") && refused.stderr.contains("scopes: read:events"), "{}", refused.stderr);
    }
}

/// An application that has just this scope, as variables.
async fn application(server: &Server, scope: &str) -> [(&'static str, String); 2] {
    let body = json!({"name": "modest", "app_type": "non_interactive", "grant_types": ["client_credentials"]});
    let (status, made) = server.call("POST", "clients", Some(body)).await;
    assert_eq!(status, 201, "{made}");
    let id = made["client_id"].as_str().unwrap().to_owned();
    let audience = format!("{}/api/v2/", server.url);
    let grant = json!({"client_id": id, "audience": audience, "scope": [scope]});
    let (status, grant) = server.call("POST", "client-grants", Some(grant)).await;
    assert_eq!(status, 201, "{grant}");
    [("HEADWATER_CLIENT_ID", id), ("HEADWATER_CLIENT_SECRET", made["client_secret"].as_str().unwrap().to_owned())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribe_misses_nothing_while_the_server_is_killed_and_is_never_silent() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let mut running = Running::start(
        &client,
        &["events", "subscribe", "--event-type", "user.created", "--json-compact", FROM_THE_BEGINNING],
    );
    let mut gives_up = Running::start(&client, &["events", "subscribe", "--max-reconnects", "1"]);
    let mut once = Running::start(&client, &["events", "subscribe", "--no-reconnect"]);
    for each in [&mut gives_up, &mut once] {
        each.wait_for_message("Subscribed");
    }
    server.create_user("before").await;
    running.wait_for("before@example.com");
    once.wait_for("user.created");
    let server = restarted(server, || {
        let ended = gives_up.end();
        assert_eq!(ended.0, 1);
        let said = ended.2.join("\n");
        assert!(said.contains("stream reconnection failed after 1 consecutive attempts: "), "{said}");
        assert!(said.contains("Resume with: "), "{said}");
        let (code, _, said) = once.end();
        assert!(code == 1 && said.join("\n").contains("the connection is lost"), "{said:?}");
        running.wait_for_message("· connection lost, reconnecting in ");
    })
    .await;
    server.create_user("after").await;
    running.wait_for("after@example.com");
    assert_eq!(running.stdout().len(), 2, "nothing comes twice");
    assert_eq!(running.interrupt().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribe_goes_on_while_connections_are_cycled_and_tokens_expire() {
    let settings = [("HEADWATER_TOKEN_LIFETIME", "2s"), ("HEADWATER_EVENTS_CYCLE", "500ms")];
    let mut server = server_with(&settings).await;
    let client = Client::of(&server);
    let mut running = Running::start(&client, &["events", "subscribe", "--json-compact", FROM_THE_BEGINNING]);
    for number in 0..4 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.renew_token().await;
        server.create_user(&format!("u{number}")).await;
        running.wait_for(&format!("u{number}@example.com"));
    }
    let (code, stdout, said) = running.interrupt();
    assert_eq!((code, stdout.len()), (0, 4), "{said:?}");
    assert!(!said.join("\n").contains("connection lost"), "that is how things go: {said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_there_are_colours_and_ctrl_c_ends_well() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let mut subscribing = Terminal::start(&client, &["events", "subscribe"]);
    let mut tailing = Terminal::start(&client, &["events", "tail", "--type", "user.created"]);
    subscribing.wait_for("Subscribed");
    tailing.wait_for("live, 0 events");
    let user = server.create_user("seen").await;
    subscribing.wait_for("user.created");
    assert!(subscribing.written().contains("\x1b[32muser.created"), "{:?}", subscribing.written());
    tailing.wait_for(user["user_id"].as_str().unwrap()).wait_for("live, 1 events");
    for terminal in [&mut subscribing, &mut tailing] {
        terminal.press(terminal::CTRL_C);
        assert_eq!(terminal.ended(), 0);
    }
    assert!(subscribing.screen().contains("Resume with: headwater events subscribe --from "));
    assert!(tailing.shows_cursor());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_of_a_stream_shows_what_it_wants_and_what_it_fails_to_deliver() {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    receiver.otherwise(Answer::Status(400));
    let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let client = Client::of(&server);
    server.create_user("old").await;
    let is_listed = |found: &Value| found["deliveries"][0].is_object();
    server.until(&format!("event-streams/{stream}/deliveries"), "it has failed", is_listed).await;
    let mut running = Running::start(&client, &["events", "tail", "--stream", &stream]);
    running.wait_for_message("Watching the events of ");
    server.create_user("new").await;
    let failed = running.wait_for("delivery failed");
    assert!(failed.contains("user.created") && failed.contains("1 attempts: the server answered 400"), "{failed}");
    running.wait_for("auth0|");
    let (code, stdout, _) = running.interrupt();
    assert_eq!((code, stdout.len()), (0, 2), "what has failed before is no news: {stdout:?}");
    let nobody = client.run(&["events", "tail", "--stream", "est_1111111111111111111111"]);
    assert!(nobody.code == 1 && nobody.stderr.contains("404"), "{}", nobody.stderr);
}
