//! `headwater orgs`.

use serde_json::json;

use super::{Client, Terminal, json_of, terminal};
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_and_its_members() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let empty = client.run(&["orgs", "list"]);
    assert!(empty.stderr.ends_with("No organizations available. Use 'headwater orgs create' to add one\n"));
    let created = client.done(&["orgs", "create", "-n", "acme", "-d", "Acme Inc.", "-a", "#0059d6", "-m", "plan=gold"]);
    let orgs = server.call("GET", "organizations", None).await.1;
    let id = orgs[0]["id"].as_str().unwrap();
    let expected = format!(
        "ID                {id}\n\
         NAME              acme\n\
         DISPLAY NAME      Acme Inc.\n\
         LOGO URL\n\
         ACCENT COLOR      #0059d6\n\
         BACKGROUND COLOR\n\
         METADATA          {{\"plan\":\"gold\"}}\n"
    );
    assert_eq!(created, expected);
    assert_eq!(client.done(&["orgs", "show", id]), expected);
    assert_eq!(client.done(&["organizations", "ls", "--csv"]), format!("ID,Name,Display Name\n{id},acme,Acme Inc.\n"));
    let updated = json_of(&client.done(&["orgs", "update", id, "-b", "#ffffff", "--json"]));
    assert_eq!(updated["branding"]["colors"], json!({"primary": "#0059d6", "page_background": "#ffffff"}));

    let mut users = Vec::new();
    for index in 0..11 {
        users.push(server.create_user(&format!("u{index}")).await["user_id"].as_str().unwrap().to_owned());
    }
    let all: Vec<&str> = users.iter().map(String::as_str).collect();
    let added = client.run(&[&["orgs", "members", "add", id][..], &all].concat());
    assert_eq!((added.code, added.stderr), (0, format!(" ▸    11 members added to {id}.\n")));
    let members = client.done(&["orgs", "members", "list", id, "-n", "2"]);
    assert!(members.starts_with("ID ") && members.lines().next().unwrap().ends_with("PICTURE URL"), "{members}");
    assert_eq!(members.lines().count(), 3);
    let removed = client.run(&["orgs", "members", "remove", id, all[0]]);
    assert_eq!((removed.code, removed.stderr), (0, format!(" ▸    1 member removed from {id}.\n")));
    let left = json_of(&client.done(&["orgs", "members", "list", id, "--json"]));
    assert_eq!(left.as_array().unwrap().len(), 10);
    assert_eq!(client.run(&["orgs", "delete", id]).code, 0);
    let gone = client.run(&["orgs", "members", "list", id]);
    assert_eq!(gone.code, 1);
    assert!(gone.stderr.contains("No organization found by that id or name"), "{}", gone.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_an_organization_is_created_and_picked() {
    let server = Server::start().await;
    let client = Client::of(&server);
    let mut terminal = Terminal::start(&client, &["orgs", "create"]);
    terminal.wait_for("Name").press("acme").press(terminal::ENTER);
    terminal.wait_for("Display name").press(terminal::ENTER);
    terminal.wait_for("METADATA");
    assert_eq!(terminal.ended(), 0);
    assert_eq!(server.call("GET", "organizations", None).await.1[0]["display_name"], "acme");
    let mut terminal = Terminal::start(&client, &["orgs", "show"]);
    terminal.wait_for("acme (org_").press(terminal::ENTER).wait_for("DISPLAY NAME");
    assert_eq!(terminal.ended(), 0);
}
