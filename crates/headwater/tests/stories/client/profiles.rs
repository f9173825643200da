//! `headwater profiles`, which the reference calls `tenants`.

use super::{Client, Terminal, json_of, terminal};
use crate::server::{CLIENT_ID, CLIENT_SECRET, Server};

fn logged_in(server: &Server, names: &[&str]) -> Client {
    let client = Client::without_server();
    for name in names {
        let words = ["login", "--url", &server.url, "--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET];
        let ended = client.run(&[&words[..], &["--profile", name]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_are_listed_chosen_shown_and_removed() {
    let server = Server::start().await;
    let client = logged_in(&server, &["acme", "beta"]);
    let url = &server.url;
    let gap = " ".repeat(url.len() - 3);
    assert_eq!(
        client.done(&["profiles", "list"]),
        format!(
            "ACTIVE  NAME  URL{gap}  CLIENT ID\n\
                     acme  {url}  stories\n\
             ✓       beta  {url}  stories\n"
        )
        .replace("\nacme", "\n        acme")
    );
    assert_eq!(client.run(&["tenants", "use", "acme"]).stderr, " ▸    Default profile switched to: acme\n");
    let listed = json_of(&client.done(&["tenants", "list", "--json"]));
    assert_eq!((&listed[0]["active"], &listed[1]["active"]), (&true.into(), &false.into()));
    let shown = client.done(&["profiles", "show"]);
    let file = client.home().join("config/headwater/profiles.json");
    assert!(shown.starts_with("NAME           acme\nACTIVE         ✓\n"), "{shown}");
    assert!(shown.contains(&format!("CLIENT SECRET  in {}\n", file.display())), "{shown}");
    let unknown = client.run(&["profiles", "use", "gamma"]);
    assert_eq!(unknown.code, 2);
    assert_eq!(unknown.stderr, "error: there is no profile gamma\nhint: there are: acme, beta\n");
    assert_eq!(client.run(&["profiles", "remove", "acme", "--force"]).stderr, " ▸    Removed: acme\n");
    assert_eq!(client.done(&["events", "list", "--json"]), "[]\n", "the only one that is left is the default");
    assert_eq!(client.run(&["profiles", "rm", "beta"]).code, 0);
    let empty = client.run(&["profiles", "list"]);
    assert_eq!(empty.stderr, "\n=== profiles\n\n ▸    No profiles available. Use 'headwater login' to add one\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_a_profile_is_picked() {
    let server = Server::start().await;
    let client = logged_in(&server, &["acme", "beta"]);
    let mut terminal = Terminal::start(&client, &["profiles", "use"]);
    terminal.wait_for("acme (").press(terminal::ENTER).wait_for("switched to: acme");
    assert_eq!(terminal.ended(), 0);
    let mut terminal = Terminal::start(&client, &["profiles", "remove", "beta"]);
    terminal.wait_for("Are you sure you want to proceed?").press("n");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(json_of(&client.done(&["profiles", "list", "--json"])).as_array().unwrap().len(), 2);
}
