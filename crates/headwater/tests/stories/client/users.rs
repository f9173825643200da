//! `headwater users`.

use serde_json::json;

use super::{Client, Terminal, json_of, terminal};
use crate::server::Server;

const DATABASE: &str = "Username-Password-Authentication";
const PASSWORD: &str = "correct horse battery Staple 7";

fn create<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ["users", "create"].iter().chain(more).copied().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_created_with_the_references_calls() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let domain = server.url.trim_start_matches("http://");
    let ended = client.run(&create(&["-n", "Jane Doe", "-e", "jane@example.com", "-p", PASSWORD, "-c", DATABASE]));
    assert_eq!((ended.code, ended.stderr), (0, format!("\n=== {domain} user created\n\n")));
    let users = server.call("GET", "users", None).await.1;
    assert_eq!(users[0]["name"], "Jane Doe");
    let id = users[0]["user_id"].as_str().unwrap();
    assert_eq!(ended.stdout, format!("ID          {id}\nEMAIL       jane@example.com\nCONNECTION  {DATABASE}\n"));

    // Where nothing can be asked, the only connection is meant.
    let debugged = client.run(&create(&["-e", "joe@example.com", "-p", PASSWORD, "--json", "--debug"]));
    assert_eq!(json_of(&debugged.stdout)["email"], "joe@example.com");
    let calls: Vec<&str> = debugged.stderr.lines().filter(|line| line.contains("/api/v2/")).collect();
    let [connections, clients, named, created] = calls[..] else { panic!("{calls:?}") };
    let strategies = "strategy%5B0%5D=auth0&strategy%5B1%5D=email&strategy%5B2%5D=sms&per_page=100&include_totals=true";
    assert!(connections.contains(&format!("GET {}/api/v2/connections?{strategies} ", server.url)), "{connections}");
    assert!(clients.contains("/api/v2/connections/con_") && clients.contains("/clients "), "{clients}");
    assert!(named.contains(&format!("/api/v2/connections?name={DATABASE} ")), "{named}");
    assert!(created.contains("POST") && created.contains("/api/v2/users -> 201"), "{created}");
    assert!(!debugged.stderr.contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_user_of_the_connection_has_to_have() {
    let server = Server::start().await;
    let client = Client::of(&server);
    for more in [&["-e", "a@example.com"][..], &["-p", PASSWORD], &[]] {
        let ended = client.run(&create(&[more, &["-c", DATABASE]].concat()));
        assert_eq!(ended.code, 2, "{more:?}");
        assert!(ended.stderr.contains("required flag email or password not set"), "{}", ended.stderr);
    }
    let disabled = json!({"name": "closed", "strategy": "auth0"});
    assert_eq!(server.call("POST", "connections", Some(disabled)).await.0, 201);
    let ended = client.run(&create(&["-e", "a@example.com", "-p", PASSWORD, "-c", "closed"]));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("the connection with name \"closed\" being disabled"), "{}", ended.stderr);
    let unknown = client.run(&create(&["-e", "a@example.com", "-p", PASSWORD, "-c", "nowhere"]));
    assert_eq!(unknown.code, 1);
    let says = format!("failed to find connection with name \"nowhere\"; there are: {DATABASE}");
    assert!(unknown.stderr.contains(&says), "{}", unknown.stderr);
    let clients = json!([crate::server::CLIENT_ID]);
    let sms = json!({"name": "sms", "strategy": "sms", "enabled_clients": clients});
    assert_eq!(server.call("POST", "connections", Some(sms)).await.0, 201);
    assert_eq!(client.run(&create(&["-c", "sms"])).code, 2);
    let by_phone = client.done(&create(&["-c", "sms", "-m", "+15550100"]));
    assert!(by_phone.contains("PHONE-NUMBER  +15550100\n") && !by_phone.contains("EMAIL"), "{by_phone}");
    let weak = client.run(&create(&["-e", "a@example.com", "-p", "x", "-c", DATABASE]));
    assert_eq!(weak.code, 1);
    assert!(weak.stderr.starts_with("error: failed to create user: 400 Bad Request: "), "{}", weak.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_it_asks_and_shows_no_password() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let clients = json!([crate::server::CLIENT_ID]);
    let named = json!({
        "name": "with-names", "strategy": "auth0", "options": {"requires_username": true}, "enabled_clients": clients,
    });
    assert_eq!(server.call("POST", "connections", Some(named)).await.0, 201);
    let mut terminal = Terminal::start(&client, &["users", "create"]);
    terminal.wait_for("with-names").press(terminal::DOWN).press(terminal::ENTER);
    terminal.wait_for("Email").press("jane@example.com").press(terminal::ENTER);
    terminal.wait_for("Password").press_hidden(PASSWORD).press(terminal::ENTER);
    terminal.wait_for("Username").press("jane").press(terminal::ENTER);
    terminal.wait_for("USERNAME");
    assert_eq!(terminal.ended(), 0);
    assert!(!terminal.written().contains(PASSWORD));
    let user = &server.call("GET", "users", None).await.1[0];
    assert_eq!((&user["username"], &user["identities"][0]["connection"]), (&json!("jane"), &json!("with-names")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_listed_found_changed_and_deleted() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let empty = client.run(&["users", "list"]);
    assert!(
        empty.stderr.ends_with("No users available. Use 'headwater users create' to add one\n"),
        "{}",
        empty.stderr
    );
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cyd"] {
        ids.push(server.create_user(name).await["user_id"].as_str().unwrap().to_owned());
    }
    let csv: String = ["ann", "bob"].iter().zip(&ids).fold("UserID,Email,Connection\n".into(), |lines, (name, id)| {
        format!("{lines}{id},{name}@example.com,{DATABASE}\n")
    });
    assert_eq!(client.done(&["users", "list", "-n", "2", "--csv"]), csv);
    let found = json_of(&client.done(&["users", "search", "-q", "email:\"bob@example.com\"", "--json"]));
    assert_eq!((found.as_array().unwrap().len(), &found[0]["user_id"]), (1, &json!(ids[1])));
    let sorted = json_of(&client.done(&["users", "search", "-q", "email:*", "-s", "email:-1", "-n", "1", "--json"]));
    assert_eq!(sorted[0]["email"], "cyd@example.com");
    let by_email = client.done(&["users", "search-by-email", "--email", "ann@example.com"]);
    assert!(by_email.starts_with("USERID") && by_email.contains(&ids[0]), "{by_email}");
    let updated = client.done(&["users", "update", &ids[0], "--name", "Ann Lee", "--blocked", "--json"]);
    assert_eq!((&json_of(&updated)["name"], &json_of(&updated)["blocked"]), (&json!("Ann Lee"), &json!(true)));
    assert_eq!(json_of(&client.done(&["users", "update", &ids[0], "-b=false", "--json"]))["blocked"], false);
    assert_eq!(client.run(&["users", "update", &ids[0]]).code, 2);
    assert!(client.done(&["users", "show", &ids[0]]).contains("ann@example.com"));
    assert_eq!(client.run(&["users", "delete", &ids[0], &ids[1], "--erase"]).code, 0);
    let gone = client.run(&["users", "show", &ids[0]]);
    let says = format!("error: failed to read user with ID \"{}\": 404 Not Found: The user does not exist.\n", ids[0]);
    assert_eq!((gone.code, gone.stderr), (1, says));
    let mut terminal = Terminal::start(&client, &["users", "rm"]);
    terminal.wait_for("cyd@example.com").press(terminal::SPACE).press(terminal::ENTER);
    terminal.wait_for("Are you sure you want to proceed?").press("y");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(server.call("GET", "users", None).await.1, json!([]));
}
