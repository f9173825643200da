//! Crashes beside a receiver that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::load::{Answered, Dice, Refusals, crash, load, until};
use crate::receiver::PATIENCE;
use crate::server::Server;

/// A receiver that fails at random until it is mended, and counts how often it has accepted which user's event.
#[derive(Clone)]
struct Unreliable {
    address: SocketAddr,
    accepted: Arc<Mutex<BTreeMap<String, usize>>>,
    mended: Arc<AtomicBool>,
}

impl Unreliable {
    async fn start(servers: &mut JoinSet<()>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (accepted, mended) = (Arc::default(), Arc::default());
        let unreliable = Self { address: listener.local_addr().unwrap(), accepted, mended };
        let (receiver, dice) = (unreliable.clone(), Arc::new(Mutex::new(Dice(0x5eed))));
        let answer = move |Json(event): Json<Value>| {
            let rolled = dice.lock().unwrap().below(20);
            std::future::ready(receiver.answer(rolled, &event))
        };
        let router = Router::new().route("/", post(answer));
        servers.spawn(async move { axum::serve(listener, router).await.unwrap() });
        unreliable
    }

    fn answer(&self, rolled: u64, event: &Value) -> StatusCode {
        match rolled {
            0..4 if !self.mended.load(Ordering::Acquire) => StatusCode::INTERNAL_SERVER_ERROR,
            // Final: such a delivery has failed until somebody asks for it again.
            4..6 if !self.mended.load(Ordering::Acquire) => StatusCode::UNPROCESSABLE_ENTITY,
            _ => {
                let user = event["data"]["object"]["user_id"].as_str().unwrap().to_owned();
                *self.accepted.lock().unwrap().entry(user).or_default() += 1;
                StatusCode::NO_CONTENT
            }
        }
    }

    fn has_all(&self, answered: &BTreeSet<String>) -> bool {
        let accepted = self.accepted.lock().unwrap();
        answered.iter().all(|user| accepted.contains_key(user))
    }
}

/// Asks for every failed delivery that is listed now; how many were taken.
async fn redeliver_all(server: &Server, stream: &str) -> usize {
    let (status, listed) = server.call("GET", &format!("event-streams/{stream}/deliveries"), None).await;
    assert_eq!(status, 200, "{listed}");
    let mut taken = 0;
    for delivery in listed["deliveries"].as_array().unwrap() {
        let event = delivery["id"].as_str().unwrap();
        let (status, said) = server.call("POST", &format!("event-streams/{stream}/redeliver/{event}"), None).await;
        // It may have been delivered, or be waiting already.
        assert!([202, 404, 409].contains(&status), "{said}");
        taken += usize::from(status == 202);
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_crashes_beside_a_failing_receiver_lose_nothing() {
    let mut servers = JoinSet::new();
    let receiver = Unreliable::start(&mut servers).await;
    let mut server = Arc::new(Server::start().await);
    let stream = server.create_stream(&format!("http://{}/", receiver.address), &["user.created"]).await;
    let (answered, refused, mut dice) = (Answered::default(), Refusals::default(), Dice(0xc0ffee));
    let mut redeliveries = 0;
    for round in 0..10 {
        let so_far = answered.lock().unwrap().clone();
        let settled = tokio::time::timeout(PATIENCE, async {
            // In the other rounds it may be killed before it has saved anything.
            while round % 2 == 1 && !receiver.has_all(&so_far) {
                let taken = redeliver_all(&server, &stream).await;
                redeliveries += taken;
                if taken > 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(settled.await.is_ok(), "what was answered is accepted or listed as failed");
        let enough = answered.lock().unwrap().len() + 50 + usize::try_from(dice.below(100)).unwrap();
        let clients = load(&server, &answered, &Arc::default(), &refused);
        until("some users exist", || answered.lock().unwrap().len() >= enough).await;
        server.signal("KILL");
        clients.join_all().await;
        server = Arc::new(Server::start_in(crash(server)).await);
    }
    assert_eq!(refused.lock().unwrap().clone(), [], "nothing was in the way");
    receiver.mended.store(true, Ordering::Release);
    let answered = answered.lock().unwrap().clone();
    let all = tokio::time::timeout(PATIENCE, async {
        while !receiver.has_all(&answered) {
            redeliveries += redeliver_all(&server, &stream).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(all.await.is_ok(), "everything that was answered is accepted in the end");
    assert!(redeliveries > 0, "some deliveries failed for good and were asked for again");
    let repeated: usize = receiver.accepted.lock().unwrap().values().map(|count| count - 1).sum();
    println!("10 crashes: {} answered, {redeliveries} redelivered, lost 0, repeated {repeated}", answered.len());
}
