//! Load from several clients, and what has to come of it although the server is killed or refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::receiver::{PATIENCE, Receiver};
use crate::server::Server;

pub(crate) const CLIENTS: u64 = 8;

/// The ids of the users whose creation was answered.
pub(crate) type Answered = Arc<Mutex<BTreeSet<String>>>;

/// Counts up, so that no two users of a test have the same name.
pub(crate) static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Creates users from several clients until the server is gone or `enough`; whatever is refused goes to `refused`.
pub(crate) fn load(
    server: &Arc<Server>,
    answered: &Answered,
    enough: &Arc<AtomicBool>,
    refused: &Refusals,
) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (server, answered) = (Arc::clone(server), Arc::clone(answered));
        let (enough, refused) = (Arc::clone(enough), Arc::clone(refused));
        clients.spawn(async move {
            while !enough.load(Ordering::Acquire) {
                let name = format!("u{}", NUMBER.fetch_add(1, Ordering::Relaxed));
                let body = Some(Server::user_body(&name));
                let Some((status, user)) = server.try_call("POST", "users", body).await else { return };
                if status == 201 {
                    answered.lock().unwrap().insert(user["user_id"].as_str().unwrap().to_owned());
                } else {
                    refused.lock().unwrap().push((status, user));
                }
            }
        });
    }
    clients
}

pub(crate) type Refusals = Arc<Mutex<Vec<(u16, Value)>>>;

/// Waits until something that this process can see has come about.
pub(crate) async fn until(what: &str, check: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

/// Waits until each of these users has been delivered; how many requests were repetitions.
pub(crate) async fn delivered(receiver: &Receiver, answered: &BTreeSet<String>) -> usize {
    until("everything that was answered is delivered", || {
        let received: BTreeSet<String> = receiver.users().into_iter().collect();
        answered.is_subset(&received)
    })
    .await;
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for body in receiver.bodies() {
        *times.entry(body["id"].to_string()).or_default() += 1;
    }
    times.values().map(|count| count - 1).sum()
}

pub(crate) fn crash(server: Arc<Server>) -> Arc<tempfile::TempDir> {
    Arc::into_inner(server).expect("the clients have ended").crash()
}

/// Numbers that are the same in each run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Waits until `check` holds of what a receiver has got.
pub(crate) async fn until_received(receiver: &Receiver, check: impl Fn(&[Value]) -> bool) {
    loop {
        // Both of one look: what arrives in between is the one that is waited for.
        let bodies = receiver.bodies();
        if check(&bodies) {
            return;
        }
        receiver.wait_for(bodies.len() + 1).await;
    }
}
