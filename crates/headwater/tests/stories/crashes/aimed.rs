//! Kills that are aimed: while a server starts, saves, moves a stream, tells a snapshot, erases, forgets or redelivers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::load::{Answered, Dice, Refusals, crash, delivered, load, until};
use crate::receiver::{Answer, PATIENCE, Receiver};
use crate::server::Server;

/// How often a server is killed at one kind of moment.
const KILLS: usize = 4;

/// A server with a stream of new users, and what is known of them.
struct Story {
    receiver: Receiver,
    server: Option<Arc<Server>>,
    stream: String,
    answered: Answered,
    settings: Vec<(&'static str, &'static str)>,
    dice: Dice,
}

impl Story {
    async fn begin(settings: &[(&'static str, &'static str)]) -> Self {
        let receiver = Receiver::start().await;
        let server = Arc::new(Server::start_with(Arc::new(tempfile::tempdir().unwrap()), settings).await);
        let stream = server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
        let (answered, settings, dice) = (Answered::default(), settings.to_vec(), Dice(0xa1_3ed));
        Self { receiver, server: Some(server), stream, answered, settings, dice }
    }

    fn server(&self) -> &Arc<Server> {
        self.server.as_ref().unwrap()
    }

    fn users(&self) -> BTreeSet<String> {
        self.answered.lock().unwrap().clone()
    }

    /// Clients that create users, until the server is gone or they are told that it is enough.
    fn clients(&self, enough: &Arc<AtomicBool>) -> JoinSet<()> {
        load(self.server(), &self.answered, enough, &Refusals::default())
    }

    async fn until_users(&self, count: usize) {
        until("some users exist", || self.answered.lock().unwrap().len() >= count).await;
    }

    /// Creates this many users more.
    async fn create(&self, users: usize) {
        let (enough, count) = (Arc::default(), self.users().len() + users);
        let clients = self.clients(&enough);
        self.until_users(count).await;
        enough.store(true, Ordering::Release);
        clients.join_all().await;
    }

    /// Kills the server some time within so many milliseconds, and starts it again.
    async fn kill_within(&mut self, millis: u64, clients: JoinSet<()>) {
        tokio::time::sleep(Duration::from_millis(self.dice.below(millis))).await;
        let server = self.server.take().unwrap();
        server.signal("KILL");
        clients.join_all().await;
        self.server = Some(Arc::new(Server::start_with(crash(server), &self.settings).await));
    }

    /// Calls an operation of the stream.
    async fn of_stream(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.server().call(method, &format!("event-streams/{}{path}", self.stream), body).await
    }

    /// Everything that was answered has arrived; says how much of it repeatedly.
    async fn end(self, what: &str) {
        let users = self.users();
        let repeated = delivered(&self.receiver, &users).await;
        println!("{what}: {} answered, lost 0, repeated {repeated}", users.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_right_after_it_started_again_and_again() {
    let mut story = Story::begin(&[]).await;
    story.receiver.otherwise(Answer::Status(500));
    story.create(300).await;
    for kill in 0..2 * KILLS {
        if kill == KILLS {
            story.receiver.otherwise(Answer::Status(204));
        }
        story.kill_within(20, JoinSet::new()).await;
    }
    story.end("kills right after the start").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_saves_positions_all_the_time() {
    let mut story = Story::begin(&[("HEADWATER_CHECKPOINT_EVERY", "1ms"), ("HEADWATER_UNSAVED_MAX", "8")]).await;
    for _ in 0..KILLS {
        let clients = story.clients(&Arc::default());
        story.until_users(story.users().len() + 100).await;
        story.kill_within(50, clients).await;
    }
    story.end("kills while positions are saved").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_stream_is_moved_back() {
    let mut story = Story::begin(&[]).await;
    story.create(200).await;
    for _ in 0..KILLS {
        let had = delivered_so_far(&story).await;
        let clients = story.clients(&Arc::default());
        let before = story.receiver.bodies().len();
        let (status, moved) = story.of_stream("POST", "/headwater/seek", Some(json!({"to": "beginning"}))).await;
        assert_eq!(status, 200, "{moved}");
        story.kill_within(30, clients).await;
        // The move was answered, so everything from the beginning comes once more.
        let again = || story.receiver.users()[before..].iter().cloned().collect::<BTreeSet<_>>();
        until("what was asked for has come again", || had.is_subset(&again())).await;
    }
    story.end("kills while a stream is moved back").await;
}

/// Waits until all users that there are have arrived; who they are.
async fn delivered_so_far(story: &Story) -> BTreeSet<String> {
    let users = story.users();
    delivered(&story.receiver, &users).await;
    users
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_snapshot_is_told() {
    let mut story = Story::begin(&[]).await;
    story.create(500).await;
    for _ in 0..KILLS {
        let users = story.users();
        let newcomer = Receiver::start().await;
        let stream = json!({
            "subscriptions": [{"event_type": "user.created"}],
            "destination": {"type": "webhook", "configuration": {
                "webhook_endpoint": format!("http://{}/in", newcomer.address),
                "webhook_authorization": {"method": "bearer", "token": "t"}}},
            "headwater": {"start_from": "snapshot"},
        });
        let (status, created) = story.server().call("POST", "event-streams", Some(stream)).await;
        assert_eq!(status, 201, "{created}");
        let clients = story.clients(&Arc::default());
        story.kill_within(40, clients).await;
        let repeated = delivered(&newcomer, &users).await;
        println!("a snapshot of {}: lost 0, repeated {repeated}", users.len());
        let id = created["id"].as_str().unwrap();
        let (status, gone) = story.server().call("DELETE", &format!("event-streams/{id}"), None).await;
        assert_eq!(status, 204, "{gone}");
    }
    story.end("kills while a snapshot is told").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_erases() {
    let mut story = Story::begin(&[]).await;
    story.create(300).await;
    delivered_so_far(&story).await;
    for _ in 0..KILLS {
        let user = story.users().pop_first().unwrap();
        story.answered.lock().unwrap().remove(&user);
        let path = format!("users/{}?headwater.erase=true", user.replace('|', "%7C"));
        let (status, said) = story.server().call("DELETE", &path, None).await;
        assert_eq!(status, 204, "{said}");
        let clients = story.clients(&Arc::default());
        story.kill_within(20, clients).await;
        // What is sent once more from the beginning says nothing of them any more.
        let erased = tokio::time::timeout(PATIENCE, async {
            loop {
                let from = story.receiver.bodies().len();
                let (status, moved) =
                    story.of_stream("POST", "/headwater/seek", Some(json!({"to": "beginning"}))).await;
                assert_eq!(status, 200, "{moved}");
                let of = |body: &Value| body["data"]["object"]["user_id"] == json!(user);
                until("it is sent again", || story.receiver.bodies()[from..].iter().any(of)).await;
                let bodies = story.receiver.bodies();
                let sent = bodies[from..].iter().find(|body| of(body)).unwrap();
                if sent["data"]["object"].get("email").is_none() {
                    return;
                }
            }
        });
        assert!(erased.await.is_ok(), "the erasure that was answered goes on after a crash");
    }
    story.end("kills while it erases").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_the_log_forgets() {
    // It looks for what is too old every ten seconds.
    let mut story = Story::begin(&[("HEADWATER_RETENTION", "1s")]).await;
    story.create(300).await;
    for _ in 0..2 {
        delivered_so_far(&story).await;
        tokio::time::sleep(Duration::from_millis(9_950)).await;
        let clients = story.clients(&Arc::default());
        story.kill_within(200, clients).await;
    }
    story.end("kills while the log forgets").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_failed_deliveries_are_redelivered() {
    let mut story = Story::begin(&[]).await;
    story.receiver.otherwise(Answer::Status(422));
    story.create(100).await;
    let mut requested = 0;
    let all = story.users().len();
    until("all of them were tried", || story.receiver.bodies().len() >= all).await;
    for kill in 0..2 * KILLS {
        let (status, listed) = story.of_stream("GET", "/deliveries", None).await;
        assert_eq!(status, 200, "{listed}");
        if kill == KILLS {
            story.receiver.otherwise(Answer::Status(204));
        }
        for delivery in listed["deliveries"].as_array().unwrap() {
            let path = format!("/redeliver/{}", delivery["id"].as_str().unwrap());
            let (status, said) = story.of_stream("POST", &path, None).await;
            assert!([202, 404, 409].contains(&status), "{said}");
            requested += usize::from(status == 202);
        }
        story.kill_within(40, JoinSet::new()).await;
    }
    // Every request that was answered is made; what was not listed yet is asked for now.
    let recovered = tokio::time::timeout(PATIENCE, async {
        loop {
            let (_, listed) = story.of_stream("GET", "/deliveries", None).await;
            let deliveries = listed["deliveries"].as_array().unwrap().clone();
            if deliveries.is_empty() {
                return;
            }
            for delivery in deliveries {
                let path = format!("/redeliver/{}", delivery["id"].as_str().unwrap());
                requested += usize::from(story.of_stream("POST", &path, None).await.0 == 202);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(recovered.await.is_ok(), "no failed delivery is left");
    assert!(requested > 0);
    story.end("kills while failed deliveries are redelivered").await;
}
