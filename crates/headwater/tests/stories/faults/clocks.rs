//! A wall clock that jumps under a running server.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::load::until;
use crate::server::{Server, is_prepared_for};

/// The wall clock of a server, which goes wrong by as much as it is told. Its steady clock goes on.
struct WallClock(tempfile::TempDir);

impl WallClock {
    /// `None` where the machine is not prepared for it.
    fn prepared() -> Option<Self> {
        let clock = Self(is_prepared_for("FAKETIME").then(|| tempfile::tempdir().unwrap())?);
        clock.jump("+0");
        Some(clock)
    }

    /// From now on it is wrong by this, such as `-3600`.
    fn jump(&self, by: &str) {
        // Renamed into its place: the server reads it with every look at its clock.
        let (written, read) = (self.0.path().join("written"), self.0.path().join("read"));
        std::fs::write(&written, by).unwrap();
        std::fs::rename(&written, &read).unwrap();
    }

    /// Starts a server by it, which waits no longer than `wait_max` for anything.
    async fn start(&self, folder: Arc<tempfile::TempDir>, wait_max: &str) -> Server {
        let file = self.0.path().join("read");
        let settings = [
            // The loader puts the machine's folder in the place of `$LIB`.
            ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketimeMT.so.1"),
            ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("HEADWATER_RETRY_AFTER_MAX", wait_max),
            // A longer wait parks the event.
            ("HEADWATER_WAIT_IN_WINDOW_MAX", "1s"),
        ];
        Server::start_with(folder, &settings).await
    }
}

/// What a receiver gets, and what it answers: a status, and after how many seconds to come again.
#[derive(Default)]
struct Exchange {
    bodies: Vec<Value>,
    script: VecDeque<(u16, u64)>,
}

type Exchanges = Arc<Mutex<Exchange>>;

/// A receiver that says when to come again, in the order of a script, and accepts what is beyond it.
async fn receiver(servers: &mut JoinSet<()>) -> (Exchanges, String) {
    let exchanges = Exchanges::default();
    let answer = |State(exchanges): State<Exchanges>, body: String| async move {
        let mut exchange = exchanges.lock().unwrap();
        exchange.bodies.push(serde_json::from_str(&body).unwrap());
        let (status, seconds) = exchange.script.pop_front().unwrap_or((204, 0));
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, seconds.into());
        (StatusCode::from_u16(status).unwrap(), headers)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&exchanges));
    servers.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (exchanges, format!("http://{address}/"))
}

/// How often each of these users' events arrived.
fn arrivals(exchanges: &Exchanges, users: &[&Value]) -> Vec<usize> {
    let exchange = exchanges.lock().unwrap();
    let of = |user: &&Value| {
        exchange.bodies.iter().filter(|body| body["data"]["object"]["user_id"] == user["user_id"]).count()
    };
    users.iter().map(of).collect()
}

fn time_of(user: &Value) -> &str {
    user["created_at"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_set_back_an_hour_loses_nothing_and_holds_nothing_up() {
    let Some(clock) = WallClock::prepared() else { return };
    let mut servers = JoinSet::new();
    let (exchanges, endpoint) = receiver(&mut servers).await;
    let mut server = clock.start(Arc::new(tempfile::tempdir().unwrap()), "5s").await;
    let stream = server.create_stream(&endpoint, &["user.created"]).await;
    let first = server.create_user("first").await;
    until("the first has arrived", || arrivals(&exchanges, &[&first]) == [1]).await;
    // One is parked, one waits to be tried again, when the clock is set back.
    exchanges.lock().unwrap().script.extend([(429, 4), (500, 0)]);
    let parked = server.create_user("parked").await;
    until("it was tried", || arrivals(&exchanges, &[&parked]) == [1]).await;
    let waits = server.create_user("waits").await;
    until("it was tried", || arrivals(&exchanges, &[&waits]) == [1]).await;
    clock.jump("-3600");

    let after = server.create_user("after").await;
    assert!(time_of(&after) < time_of(&first), "the time is that of the clock: {after}");
    until("what is new arrives", || arrivals(&exchanges, &[&after]) == [1]).await;
    until("what waited arrives", || arrivals(&exchanges, &[&parked, &waits]) == [2, 2]).await;
    let bodies = exchanges.lock().unwrap().bodies.clone();
    let ids: std::collections::BTreeSet<String> = bodies.iter().map(|body| body["id"].to_string()).collect();
    assert_eq!((bodies.len(), ids.len()), (6, 4), "each event keeps its id, and no two have the same");

    // Pages are in the order of creation by the ids, which may go back with the clock: nobody is missing.
    let (status, listed) = server.call("GET", &format!("event-streams/{stream}/deliveries"), None).await;
    assert_eq!((status, &listed["deliveries"]), (200, &json!([])));
    for user in [&first, &parked, &waits, &after] {
        let id = user["user_id"].as_str().unwrap().replace('|', "%7C");
        assert_eq!(server.call("GET", &format!("users/{id}"), None).await.0, 200, "the token goes on holding");
    }
    server.signal("TERM");
    assert!(server.ended().await.success());
    // Started before the time of what it has stored.
    let server = clock.start(Arc::clone(&server.folder), "5s").await;
    let last = server.create_user("last").await;
    until("the last arrives", || arrivals(&exchanges, &[&last]) == [1]).await;
    assert_eq!(arrivals(&exchanges, &[&first, &parked, &waits, &after]), [1, 2, 2, 1], "nothing is sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_set_forward_an_hour_ends_the_wait_of_what_is_parked() {
    let Some(clock) = WallClock::prepared() else { return };
    let mut servers = JoinSet::new();
    let (exchanges, endpoint) = receiver(&mut servers).await;
    let server = clock.start(Arc::new(tempfile::tempdir().unwrap()), "1h").await;
    server.create_stream(&endpoint, &["user.created"]).await;
    exchanges.lock().unwrap().script.extend([(429, 1800)]);
    let parked = server.create_user("parked").await;
    until("it was tried", || arrivals(&exchanges, &[&parked]) == [1]).await;
    // That it arrived does not say that the server has its answer; by the time that another has come, it has.
    let between = server.create_user("between").await;
    until("another arrives", || arrivals(&exchanges, &[&between]) == [1]).await;
    clock.jump("+3600");
    let after = server.create_user("after").await;
    assert!(time_of(&after) > time_of(&parked));
    until("both arrive", || arrivals(&exchanges, &[&parked, &after]) == [2, 1]).await;
}
