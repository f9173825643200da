//! A crash loses nothing: every change that was answered has its event delivered, and few twice.

mod aimed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::load::until_received;
use crate::receiver::Receiver;
use crate::server::Server;

const CRASHES: usize = 4;
const CLIENTS: usize = 16;
const ANSWERED_BETWEEN_CRASHES: usize = 150;

/// Creates users from many clients until the server is gone; remembers the ids that were answered.
async fn load(server: &Arc<Server>, round: usize, answered: &Arc<Mutex<BTreeSet<String>>>) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (server, answered) = (Arc::clone(server), Arc::clone(answered));
        clients.spawn(async move {
            for number in 0.. {
                let body = Server::user_body(&format!("u{round}-{client}-{number}"));
                let Some((status, user)) = server.try_call("POST", "users", Some(body)).await else { return };
                assert_eq!(status, 201, "{user}");
                answered.lock().unwrap().insert(user["user_id"].as_str().unwrap().to_owned());
            }
        });
    }
    clients
}

/// Kills a server with these settings under load, again and again, until all that was answered is delivered; how
/// many deliveries were repetitions.
async fn repeated_by_crashes(settings: &[(&str, &str)]) -> usize {
    let receiver = Receiver::start().await;
    let mut server = Arc::new(Server::start_with(Arc::new(tempfile::tempdir().unwrap()), settings).await);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 0..CRASHES {
        let before = answered.lock().unwrap().len();
        let clients = load(&server, round, &answered).await;
        while answered.lock().unwrap().len() < before + ANSWERED_BETWEEN_CRASHES {
            tokio::task::yield_now().await;
        }
        server.signal("KILL");
        clients.join_all().await;
        let Some(killed) = Arc::into_inner(server) else { panic!("the clients have ended") };
        server = Arc::new(Server::start_with(killed.crash(), settings).await);
    }
    let answered = answered.lock().unwrap().clone();
    let user = |body: &Value| body["data"]["object"]["user_id"].as_str().unwrap().to_owned();
    until_received(&receiver, |bodies| answered.is_subset(&bodies.iter().map(user).collect())).await;
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for body in receiver.bodies() {
        *times.entry(body["id"].to_string()).or_default() += 1;
    }
    let repeated: usize = times.values().map(|count| count - 1).sum();
    println!("{CRASHES} crashes: {} answered, lost 0, repeated {repeated}", answered.len());
    repeated
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_change_is_delivered_although_the_server_is_killed() {
    repeated_by_crashes(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_repeats_no_more_than_is_let_be_unsaved() {
    // Positions are saved by nothing but the number of deliveries.
    let settings = [("HEADWATER_CHECKPOINT_EVERY", "1d"), ("HEADWATER_UNSAVED_MAX", "32")];
    let repeated = repeated_by_crashes(&settings).await;
    assert!(repeated <= CRASHES * 32, "{repeated} repetitions");
}
