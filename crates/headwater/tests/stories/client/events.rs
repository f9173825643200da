//! `headwater events`.

use super::{Client, Terminal, terminal};
use crate::server::Server;

/// The text with a stream's id replaced by one that is always the same.
fn with_fixed(text: &str, id: &str) -> String {
    text.replace(id, "est_ID")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_in_every_format() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let domain = server.url.trim_start_matches("http://");
    let empty = client.run(&["events", "list"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (0, ""));
    let says = " ▸    No event streams available. Use 'headwater events create' to add one";
    assert_eq!(empty.stderr, format!("\n=== {domain} event streams\n\n{says}\n"));
    let id = server.create_stream("http://127.0.0.1:9/in", &["user.created", "user.deleted"]).await;
    let list = client.run(&["events", "list"]);
    assert_eq!(list.stderr, format!("\n=== {domain} event streams\n\n"));
    let configuration = r#"{"webhook_endpoint":"http://127.0.0.1:9/in","webhook_authorization":{"method":"bearer"}}"#;
    let table = format!(
        "ID      NAME  TYPE     STATUS   SUBSCRIPTIONS               CONFIGURATION\n\
         est_ID        webhook  enabled  user.created, user.deleted  {configuration}\n"
    );
    // Columns are as wide as the id, which is longer than what replaces it.
    let narrow = |text: &str| with_fixed(text, &id).replacen(&format!("ID{}NAME", " ".repeat(26)), "ID      NAME", 1);
    assert_eq!(narrow(&list.stdout), table);
    let csv = client.done(&["events", "list", "--csv"]);
    let quoted = configuration.replace('"', "\"\"");
    assert_eq!(
        with_fixed(&csv, &id),
        format!(
            "ID,Name,Type,Status,Subscriptions,Configuration\n\
             est_ID,,webhook,enabled,\"user.created, user.deleted\",\"{quoted}\"\n"
        )
    );
    let compact = client.run(&["events", "ls", "--json-compact"]);
    assert_eq!((compact.stderr.as_str(), compact.stdout.lines().count()), ("", 1));
    let json = client.done(&["events", "list", "--json"]);
    assert!(json.starts_with("[\n    {\n        \"id\": \"est_"), "{json}");
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(parsed(&json), parsed(&compact.stdout));
    assert_eq!(parsed(&json), server.call("GET", "event-streams", None).await.1["eventStreams"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_id_a_stream_is_picked() {
    let server = Server::start().await;
    let client = Client::of(&server);
    server.create_stream("http://127.0.0.1:9/first", &["user.created"]).await;
    server.create_stream("http://127.0.0.1:9/second", &["user.created"]).await;
    let listed = server.call("GET", "event-streams", None).await.1;
    let second = listed["eventStreams"][1]["id"].as_str().unwrap();
    let mut terminal = Terminal::start(&client, &["events", "show"]);
    terminal.wait_for(second).press(terminal::DOWN).press(terminal::ENTER);
    terminal.wait_for("CONFIGURATION");
    assert_eq!(terminal.ended(), 0);
    let endpoint = listed["eventStreams"][1]["destination"]["configuration"]["webhook_endpoint"].as_str().unwrap();
    assert!(terminal.screen().contains(endpoint), "{}", terminal.screen());

    let mut terminal = Terminal::start(&client, &["events", "show"]);
    terminal.wait_for(second).press(terminal::CTRL_C);
    assert_eq!(terminal.ended(), 130);
    assert!(terminal.shows_cursor(), "{:?}", terminal.written());
    assert_eq!(Terminal::start(&client, &["events", "show", "--no-input"]).ended(), 2);
}
