//! The recipe of docs/outbox.md: changes of a PostgreSQL database are published by a relay that may be killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::assert_success;
use crate::load::until_received;
use crate::postgres::Postgres;
use crate::receiver::{PATIENCE, Receiver};
use crate::server::{CLIENT_ID, CLIENT_SECRET, Server, output_of, repository};

/// A database with an outbox.
struct Outbox(Postgres);

impl Outbox {
    /// Makes one, if PostgreSQL is installed.
    fn start() -> Option<Self> {
        let postgres = Postgres::start()?;
        let mut psql = postgres.psql();
        psql.arg("-f").arg(repository().join("docs/outbox/outbox.sql"));
        assert_success(psql, "outbox.sql");
        Some(Self(postgres))
    }

    fn run(&self, statements: &str) -> String {
        self.0.run(statements)
    }

    /// How many rows wait in the outbox.
    fn waiting(&self) -> String {
        self.run("SELECT count(*) FROM headwater_outbox")
    }

    /// Holds a lock under which the outbox can be read and written to, but nothing deleted of it.
    fn lock(&self) -> Child {
        let mut child = self.0.psql().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let statements = "BEGIN; LOCK TABLE headwater_outbox IN SHARE MODE; SELECT 'locked';\n";
        child.stdin.as_mut().unwrap().write_all(statements.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        child
    }

    fn relay(&self, server: &Server) -> Command {
        let mut relay = Command::new("python3");
        relay
            .arg(repository().join("docs/outbox/relay.py"))
            .env("HEADWATER_URL", &server.url)
            .env("HEADWATER_CLIENT_ID", CLIENT_ID)
            .env("HEADWATER_CLIENT_SECRET", CLIENT_SECRET)
            .env("OUTBOX_SOURCE", "urn:example:crm")
            .env("OUTBOX_POLL_S", "0.01")
            .process_group(0);
        self.0.reach(&mut relay);
        relay
    }

    /// Publishes what waits.
    fn relay_once(&self, server: &Server) -> String {
        let mut relay = self.relay(server);
        relay.arg("--once");
        let output = output_of(relay);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{stderr}");
        stderr
    }
}

/// A running relay, which is killed when it is dropped, together with the psql that it is waiting for.
struct Relay(Child);

impl Drop for Relay {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// A server whose one stream delivers in the order of the log, and the receiver of that.
async fn world() -> (Server, Receiver) {
    let (server, receiver) = (Server::start().await, Receiver::start().await);
    let types = ["user.created", "user.updated", "user.deleted"].map(|name| json!({"event_type": name}));
    let configuration = json!({
        "webhook_endpoint": format!("http://{}/in", receiver.address),
        "webhook_authorization": {"method": "bearer", "token": "t"},
    });
    let body = json!({
        "subscriptions": types, "headwater": {"ordering": "strict"},
        "destination": {"type": "webhook", "configuration": configuration},
    });
    let (status, answer) = server.call("POST", "event-streams", Some(body)).await;
    assert_eq!(status, 201, "{answer}");
    (server, receiver)
}

fn email(body: &Value) -> &str {
    body["data"]["object"]["email"].as_str().unwrap()
}

/// Waits for a last event, behind which no other can come; answers all before it.
async fn all_before_the_last(server: &Server, receiver: &Receiver) -> Vec<Value> {
    server.create_user("the-last").await;
    until_received(receiver, |bodies| bodies.last().is_some_and(|body| email(body) == "the-last@example.com")).await;
    let mut bodies = receiver.bodies();
    bodies.pop();
    bodies
}

const CUSTOMERS: usize = 120;

/// Each customer in a transaction of their own; every third one is rolled back.
fn transactions() -> String {
    let one = |number: usize| {
        let end = if number.is_multiple_of(3) { "ROLLBACK" } else { "COMMIT" };
        format!("BEGIN; INSERT INTO customers (email) VALUES ('c{number}@example.com'); {end};\n")
    };
    (0..CUSTOMERS).map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committed_rows_appear_once_and_rolled_back_ones_never_although_the_relay_is_killed() {
    let Some(outbox) = Outbox::start() else { return };
    let (server, receiver) = world().await;
    let mut writing = outbox.0.psql().stdin(Stdio::piped()).spawn().unwrap();
    let mut statements = writing.stdin.take().unwrap();
    let writer = std::thread::spawn(move || statements.write_all(transactions().as_bytes()).unwrap());
    // Killed whenever something of it has arrived, or nothing waits: before, while or after it deletes.
    for _ in 0..6 {
        let before = receiver.bodies().len();
        let relay = Relay(outbox.relay(&server).spawn().unwrap());
        let something = async {
            while receiver.bodies().len() == before && outbox.waiting() != "0" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, something).await.expect("the relay does something");
        drop(relay);
    }
    writer.join().unwrap();
    assert!(writing.wait().unwrap().success());
    // And once for certain between the two: what was published cannot be deleted.
    outbox.run("INSERT INTO customers (email) VALUES ('between@example.com')");
    let mut lock = outbox.lock();
    let relay = Relay(outbox.relay(&server).spawn().unwrap());
    until_received(&receiver, |bodies| bodies.iter().any(|body| email(body) == "between@example.com")).await;
    drop(relay);
    let deleting = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'DELETE%'";
    outbox.run(deleting);
    drop(lock.stdin.take());
    lock.wait().unwrap();
    assert_ne!(outbox.waiting(), "0", "it is there to be published again");
    outbox.relay_once(&server);
    assert_eq!(outbox.waiting(), "0");
    let bodies = all_before_the_last(&server, &receiver).await;
    let committed =
        (0..CUSTOMERS).filter(|number| !number.is_multiple_of(3)).map(|number| format!("c{number}@example.com"));
    let expected: BTreeSet<String> = committed.chain(["between@example.com".to_owned()]).collect();
    let arrived: BTreeSet<String> = bodies.iter().map(|body| email(body).to_owned()).collect();
    assert_eq!(arrived, expected);
    assert_eq!(bodies.len(), expected.len(), "each once");
    let ids: BTreeSet<_> = bodies.iter().map(|body| body["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), bodies.len());
    assert!(bodies.iter().all(|body| body["source"] == "urn:example:crm"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_life_arrives_in_order_and_a_row_that_is_refused_holds_nothing_up() {
    let Some(outbox) = Outbox::start() else { return };
    let (server, receiver) = world().await;
    outbox.run("INSERT INTO customers (email) SELECT 'c' || n || '@example.com' FROM generate_series(1, 5) n");
    outbox.run("INSERT INTO headwater_outbox (type, data) VALUES ('user.vanished', '{}')");
    outbox.run("UPDATE customers SET email = 'new-' || email, updated_at = now()");
    outbox.run("DELETE FROM customers");
    let said = outbox.relay_once(&server);
    assert!(said.contains("row 6 was refused") && said.contains("No enum match for: user.vanished"), "{said}");
    let refused = outbox.run("SELECT id || ' ' || refused FROM headwater_outbox");
    assert!(refused.starts_with("6 ") && refused.contains("on property [0].type"), "{refused}");
    let mut lives: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in all_before_the_last(&server, &receiver).await {
        let user = body["data"]["object"]["user_id"].as_str().unwrap().to_owned();
        lives.entry(user).or_default().push(body["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(lives.len(), 5);
    assert!(lives.values().all(|life| *life == ["user.created", "user.updated", "user.deleted"]), "{lives:?}");
    // The row that waited is published once it has been mended.
    let mended = r#"{"object": {"user_id": "crm|9", "email": "mended@example.com"}}"#;
    outbox.run(&format!("UPDATE headwater_outbox SET refused = NULL, type = 'user.created', data = '{mended}'"));
    outbox.relay_once(&server);
    receiver.wait_for(17).await;
    assert_eq!(email(receiver.bodies().last().unwrap()), "mended@example.com");
}
