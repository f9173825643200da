//! `headwater login` and `headwater logout`.

use std::sync::Arc;

use super::{Client, Terminal, json_of, terminal};
use crate::server::{CLIENT_ID, CLIENT_SECRET, Server, free_port, serve_command};

fn login<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = ["login", "--url", url, "--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET];
    words.iter().chain(more).copied().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_login_the_next_command_just_works() {
    let server = Server::start().await;
    let client = Client::without_server();
    let domain = server.url.trim_start_matches("http://");
    let ended = client.run(&login(&server.url, &[]));
    let file = client.home().join("config/headwater/profiles.json");
    let says = format!(
        " ▸    Successfully logged in.\n \
          ▸    Tenant: {domain}\n \
          ▸    Profile: {domain}, which is the default now\n \
          ▸    The secret is in {}, which only you can read: the system's keyring cannot be used: there is none.\n",
        file.display()
    );
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr), (0, "", says));
    let listed = client.run(&["events", "list", "--json", "--debug"]);
    assert_eq!((listed.code, listed.stdout.as_str()), (0, "[]\n"), "{}", listed.stderr);
    assert!(!listed.stderr.contains("/oauth/token"), "the token of the login is used: {}", listed.stderr);
    let kept = std::fs::read_to_string(&file).unwrap();
    let token = json_of(&kept)["profiles"][domain]["token"]["access_token"].as_str().unwrap().to_owned();
    for shown in [&listed.stderr, &client.done(&["profiles", "list", "--json"]), &client.done(&["profiles", "show"])] {
        assert!(!shown.contains(CLIENT_SECRET) && !shown.contains(&token), "{shown}");
    }
    assert_eq!(client.run(&["logout"]).stderr, format!(" ▸    Successfully logged out of {domain}.\n"));
    assert!(!std::fs::read_to_string(&file).unwrap().contains(CLIENT_SECRET));
    let after = client.run(&["events", "list"]);
    assert_eq!(after.code, 2);
    assert!(after.stderr.contains("headwater login"), "{}", after.stderr);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_can_read_what_a_login_keeps() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start().await;
    let client = Client::without_server();
    assert_eq!(client.run(&login(&server.url, &[])).code, 0);
    let folder = client.home().join("config/headwater");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&folder.join("profiles.json"))), (0o700, 0o600));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_work_is_not_kept() {
    let server = Server::start().await;
    let client = Client::without_server();
    let refused = client.run(&["login", "--url", &server.url, "--client-id", CLIENT_ID, "--client-secret", "wrong"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.starts_with("error: failed to log in: 401 Unauthorized: "), "{}", refused.stderr);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    assert_eq!(client.run(&login(&nobody, &[])).code, 3);
    let incomplete = client.run(&["login", "--url", &server.url]);
    assert_eq!(incomplete.code, 2);
    assert!(incomplete.stderr.contains("--client-id is missing"), "{}", incomplete.stderr);
    assert_eq!(client.run(&login("nonsense", &[])).code, 2);
    assert_eq!(client.run(&login(&server.url, &["--profile", "no/name"])).code, 2);
    assert_eq!(client.done(&["profiles", "list", "--json"]), "[]\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_it_asks_and_shows_no_secret() {
    let server = Server::start().await;
    let client = Client::without_server();
    let mut terminal = Terminal::start(&client, &["login", "--profile", "mine"]);
    terminal.wait_for("URL of the server").press(&server.url).press(terminal::ENTER);
    terminal.wait_for("Client ID").press(CLIENT_ID).press(terminal::ENTER);
    terminal.wait_for("Client secret").press_hidden(CLIENT_SECRET).press(terminal::ENTER);
    terminal.wait_for("Successfully logged in.");
    assert_eq!(terminal.ended(), 0);
    assert!(!terminal.written().contains(CLIENT_SECRET));
    assert_eq!(client.done(&["events", "list", "--json-compact"]), "[]\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn variables_answer_what_flags_leave_out() {
    let server = Server::start().await;
    let mut client = Client::of(&server);
    assert_eq!(client.run(&["login", "--profile", "of-variables"]).code, 0);
    client.set("HEADWATER_URL", "");
    client.set("HEADWATER_CLIENT_ID", "");
    client.set("HEADWATER_CLIENT_SECRET", "");
    assert_eq!(client.done(&["events", "list", "--json"]), "[]\n");
    // Variables go before the default profile, a flag before them.
    client.set("HEADWATER_TOKEN", "nonsense");
    assert_eq!(client.run(&["events", "list"]).code, 1);
    assert_eq!(client.done(&["events", "list", "--json", "--profile", "of-variables"]), "[]\n");
    assert_eq!(client.done(&["events", "list", "--json", "--tenant", "of-variables"]), "[]\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logins_at_the_same_time_lose_nothing() {
    let server = Server::start().await;
    let client = Client::without_server();
    let names: Vec<String> = (0..6).map(|index| format!("p{index}")).collect();
    let started: Vec<_> =
        names.iter().map(|name| client.command(&login(&server.url, &["--profile", name])).spawn().unwrap()).collect();
    for child in started {
        let ended = Client::ended(child);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let listed = json_of(&client.done(&["profiles", "list", "--json"]));
    let kept: Vec<&str> = listed.as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect();
    assert_eq!(kept, names);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_the_server_does_not_know_any_more_is_renewed_once() {
    let (port, first) = (free_port(), Arc::new(tempfile::tempdir().unwrap()));
    let url = format!("http://127.0.0.1:{port}");
    let start = |folder: &Arc<tempfile::TempDir>| {
        let child = serve_command(folder.path(), port).spawn().unwrap();
        Server::started(child, url.clone(), Arc::clone(folder))
    };
    let server = start(&first).await;
    let client = Client::without_server();
    assert_eq!(client.run(&login(&server.url, &[])).code, 0);
    server.crash();
    // Another folder has other keys.
    let _other = start(&Arc::new(tempfile::tempdir().unwrap())).await;
    let calls = |stderr: &str| -> Vec<String> {
        stderr.lines().filter_map(|line| Some(line.split_once(" -> ")?.1.to_owned())).collect()
    };
    let renewed = client.run(&["events", "list", "--json", "--debug"]);
    assert_eq!((renewed.code, renewed.stdout.as_str()), (0, "[]\n"), "{}", renewed.stderr);
    assert_eq!(calls(&renewed.stderr), ["401 Unauthorized", "200 OK", "200 OK"], "{}", renewed.stderr);
    let kept = client.run(&["events", "list", "--json", "--debug"]);
    assert_eq!(calls(&kept.stderr), ["200 OK"], "{}", kept.stderr);
}
