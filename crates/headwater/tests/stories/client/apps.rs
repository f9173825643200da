//! `headwater apps`.

use serde_json::json;

use super::{Client, Terminal, json_of, terminal};
use crate::server::Server;

const SCOPES: &str = "read:event_streams create:event_streams";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_created_with_its_scopes_and_can_call_at_once() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let words = ["apps", "create", "--name", "importer", "--type", "m2m", "--scopes", SCOPES];
    let created = json_of(&client.done(&[&words[..], &["-r", "--json"]].concat()));
    assert_eq!((&created["app_type"], &created["oidc_conformant"]), (&json!("non_interactive"), &json!(true)));
    assert_eq!(created["grant_types"], json!(["client_credentials"]));
    let (id, secret) = (created["client_id"].as_str().unwrap(), created["client_secret"].as_str().unwrap());
    let mut of_app = Client::without_server();
    of_app.set("HEADWATER_URL", &server.url);
    of_app.set("HEADWATER_CLIENT_ID", id);
    of_app.set("HEADWATER_CLIENT_SECRET", secret);
    assert_eq!(of_app.done(&["events", "list", "--json"]), "[]\n");
    let not_granted = of_app.run(&["users", "list"]);
    assert_eq!(not_granted.code, 1);
    assert!(not_granted.stderr.contains("hint: ") && not_granted.stderr.contains("read:users"));
    assert_eq!(client.run(&["apps", "update", id, "--scopes", "read:users,read:event_streams"]).code, 0);
    assert_eq!(of_app.done(&["users", "list", "--json"]), "[]\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_shown_to_those_who_ask_only() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let domain = server.url.trim_start_matches("http://");
    let created =
        client.run(&["apps", "create", "-n", "reader", "-d", "reads", "-t", "m2m", "--scopes", "read:events"]);
    let apps = server.call("GET", "clients", None).await.1;
    let app = apps.as_array().unwrap().iter().find(|app| app["name"] == "reader").unwrap();
    let (id, secret) = (app["client_id"].as_str().unwrap(), app["client_secret"].as_str().unwrap());
    let expected = format!(
        "CLIENT ID            {id}\n\
         NAME                 reader\n\
         DESCRIPTION          reads\n\
         TYPE                 Machine to Machine\n\
         CALLBACKS\n\
         ALLOWED ORIGINS\n\
         ALLOWED WEB ORIGINS\n\
         ALLOWED LOGOUT URLS\n\
         TOKEN ENDPOINT AUTH\n\
         GRANTS               client_credentials\n\
         METADATA\n\
         SCOPES               read:events\n"
    );
    assert_eq!((created.code, created.stdout), (0, expected));
    let says = format!(" ▸    Its secret: headwater apps show {id} --reveal-secrets\n");
    assert_eq!(created.stderr, format!("\n=== {domain} application created\n\n{says}"));
    for words in
        [&["apps", "list"][..], &["apps", "ls", "--json"], &["apps", "show", id], &["apps", "show", id, "--json"]]
    {
        assert!(!client.done(words).contains(secret), "{words:?}");
        assert!(client.done(&[words, &["--reveal-secrets"]].concat()).contains(secret), "{words:?}");
    }
    let listed = client.done(&["apps", "list"]);
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    let lines: Vec<Vec<String>> = listed.lines().map(cells).collect();
    assert_eq!(lines[0], ["CLIENT ID", "NAME", "TYPE"]);
    assert!(lines.contains(&vec![id.to_owned(), "reader".to_owned(), "Machine to Machine".to_owned()]), "{listed}");
    let rotated = client.run(&["apps", "rotate-secret", id]);
    assert_eq!((rotated.code, rotated.stdout), (0, format!("CLIENT ID  {id}\nNAME       reader\n")));
    let now = json_of(&client.done(&["apps", "rotate-secret", id, "-r", "--json"]));
    assert_ne!(now["client_secret"], secret);
    assert_eq!(client.run(&["apps", "delete", id, "--force"]).code, 0);
    assert_eq!(client.run(&["apps", "show", id]).code, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_whose_scopes_are_refused_is_told_of() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let ended = client.run(&["apps", "create", "-n", "odd", "-t", "m2m", "--scopes", "read:minds"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("failed to grant scopes") && ended.stderr.contains("headwater apps update "));
    assert!(ended.stdout.contains("odd") && !ended.stdout.contains("SCOPES"), "{}", ended.stdout);
    let listed = client.done(&["apps", "list"]);
    assert!(listed.contains("odd"), "{listed}");
    assert_eq!(client.run(&["apps", "create", "-n", "x", "-t", "box"]).code, 2);
    assert_eq!(client.run(&["apps", "create", "-n", "x"]).code, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_it_asks_for_name_and_type() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let mut terminal = Terminal::start(&client, &["apps", "create"]);
    terminal.wait_for("Name").press("asked").press(terminal::ENTER);
    terminal.wait_for("Description").press(terminal::ENTER);
    terminal.wait_for("Machine to Machine").press(terminal::ENTER);
    terminal.wait_for("It gets no tokens until it is granted scopes");
    assert_eq!(terminal.ended(), 0);
    let apps = server.call("GET", "clients?app_type=non_interactive", None).await.1;
    assert!(apps.as_array().unwrap().iter().any(|app| app["name"] == "asked"), "{apps}");
}
