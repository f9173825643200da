//! Faults below the server: a disk that is full, files that are damaged, a crash beside a failing receiver.
//! Nothing that was answered is lost, and what cannot go on says what to do.
//!
//! A wall clock that jumps is the simulation's to play (`crates/domain/tests/simulation`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::receiver::{PATIENCE, Receiver};
use crate::server::{Server, binary, free_port, output_of, serve_command};
use crate::starting::assert_refused;

const CLIENTS: u64 = 8;

/// The ids of the users whose creation was answered.
type Answered = Arc<Mutex<BTreeSet<String>>>;

/// Counts up, so that no two users of a test have the same name.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Creates users from several clients until the server is gone or `enough`; whatever is refused goes to `refused`.
fn load(server: &Arc<Server>, answered: &Answered, enough: &Arc<AtomicBool>, refused: &Refusals) -> JoinSet<()> {
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

type Refusals = Arc<Mutex<Vec<(u16, Value)>>>;

/// Waits until something that this process can see has come about.
async fn until(what: &str, check: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

/// Waits until each of these users has been delivered; how many requests were repetitions.
async fn delivered(receiver: &Receiver, answered: &BTreeSet<String>) -> usize {
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

async fn assert_readable(server: &Server, answered: &BTreeSet<String>) {
    for id in answered {
        let (status, user) = server.call("GET", &format!("users/{}", id.replace('|', "%7C")), None).await;
        assert_eq!((status, &user["user_id"]), (200, &json!(id)));
    }
}

fn crash(server: Arc<Server>) -> Arc<tempfile::TempDir> {
    Arc::into_inner(server).expect("the clients have ended").crash()
}

/// How long a file may become on the small disk.
const SMALL_DISK_BYTES: u64 = 1024 * 1024;

/// `headwater serve` that can write no file beyond that, as if the disk were full then.
fn serve_on_a_small_disk(folder: &Path, port: u16) -> Command {
    let serve = serve_command(folder, port);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" serve", SMALL_DISK_BYTES / 512));
    command.arg(serve.get_program()).stdin(Stdio::null()).stderr(Stdio::null());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_changes_and_loses_none_that_was_answered() {
    let receiver = Receiver::start().await;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let port = free_port();
    let child = serve_on_a_small_disk(folder.path(), port).spawn().unwrap();
    let server = Server::started(child, format!("http://127.0.0.1:{port}"), Arc::clone(&folder)).await;
    let server = Arc::new(server);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let (answered, enough, refused) = (Answered::default(), Arc::default(), Refusals::default());
    let clients = load(&server, &answered, &enough, &refused);
    // When the database itself has no more room, folding cannot make any in the write-ahead file.
    let database = folder.path().join("headwater.db");
    let is_full = || std::fs::metadata(&database).unwrap().len() >= SMALL_DISK_BYTES;
    until("the disk is full", || is_full() && refused.lock().unwrap().len() >= 50).await;
    enough.store(true, Ordering::Release);
    clients.join_all().await;
    for (status, body) in refused.lock().unwrap().iter() {
        assert_eq!(*status, 503, "{body}");
        assert_eq!((&body["statusCode"], &body["error"]), (&json!(503), &json!("Service Unavailable")), "{body}");
        assert!(body["message"].as_str().is_some_and(|message| message.contains("Try again")), "{body}");
    }
    server.until_draining().await;
    let ready = reqwest::get(format!("{}/readyz", server.url)).await.unwrap();
    assert_eq!(ready.status().as_u16(), 503, "it is not ready while it cannot write");
    assert!(ready.text().await.unwrap().contains("store"), "it says what is missing");
    let alive = reqwest::get(format!("{}/healthz", server.url)).await.unwrap();
    assert!(alive.status().is_success(), "restarting it would not help");

    let server = Server::start_in(crash(server)).await;
    let answered = answered.lock().unwrap().clone();
    assert!(!answered.is_empty());
    assert_readable(&server, &answered).await;
    let repeated = delivered(&receiver, &answered).await;
    let after = server.create_user("after").await;
    delivered(&receiver, &BTreeSet::from([after["user_id"].as_str().unwrap().to_owned()])).await;
    let refused = refused.lock().unwrap().len();
    println!("full disk: {} answered, {refused} refused, lost 0, repeated {repeated}", answered.len());
}

/// A server that was killed under load: its folder, and who had been created before `later` users more were.
async fn killed_under_load(receiver: &Receiver) -> (Arc<tempfile::TempDir>, BTreeSet<String>, BTreeSet<String>) {
    let server = Arc::new(Server::start().await);
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    let (answered, enough, refused) = (Answered::default(), Arc::default(), Refusals::default());
    let clients = load(&server, &answered, &enough, &refused);
    until("some users exist", || answered.lock().unwrap().len() >= 200).await;
    let earlier = answered.lock().unwrap().clone();
    until("more users exist", || answered.lock().unwrap().len() >= 600).await;
    server.signal("KILL");
    clients.join_all().await;
    let answered = answered.lock().unwrap().clone();
    (crash(server), earlier, answered)
}

fn cut(file: &Path, to: impl FnOnce(u64) -> u64) {
    let file = std::fs::File::options().write(true).open(file).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(to(length)).unwrap();
    file.sync_all().unwrap();
}

/// Where the last commit ends in the write-ahead file; `None` if it may have been folded into the database, since
/// then no honest disk can lose it any more.
fn last_commit(folder: &Path) -> Option<u64> {
    // The shared index (www.sqlite.org/walformat.html): page size, last frame, frames folded or being folded.
    let index = std::fs::read(folder.join("headwater.db-shm")).unwrap();
    let page = u64::from(u16::from_ne_bytes(index[14..16].try_into().unwrap()));
    let frames = u32::from_ne_bytes(index[16..20].try_into().unwrap());
    let folded = u32::from_ne_bytes(index[128..132].try_into().unwrap());
    // A commit of these few changes has fewer pages than that.
    (folded + 100 < frames).then(|| 32 + u64::from(frames) * (24 + page))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_last_commit_costs_nothing_before_it() {
    let receiver = Receiver::start().await;
    for _ in 0..10 {
        let (folder, earlier, answered) = killed_under_load(&receiver).await;
        let Some(end) = last_commit(folder.path()) else { continue };
        cut(&folder.path().join("headwater.db-wal"), |_| end - 2000);
        let server = Server::start_in(folder).await;
        let mut kept = BTreeSet::new();
        for id in &answered {
            let (status, _) = server.call("GET", &format!("users/{}", id.replace('|', "%7C")), None).await;
            if status == 200 {
                kept.insert(id.clone());
            }
        }
        assert!(earlier.is_subset(&kept), "what was committed earlier is there");
        let torn = answered.len() - kept.len();
        assert!(torn <= usize::try_from(CLIENTS).unwrap(), "only the last commit is torn, not {torn} changes");
        let after = server.create_user(&format!("after{}", NUMBER.fetch_add(1, Ordering::Relaxed))).await;
        kept.insert(after["user_id"].as_str().unwrap().to_owned());
        let repeated = delivered(&receiver, &kept).await;
        println!("torn commit: {} answered, {torn} in the torn one, lost 0, repeated {repeated}", answered.len());
        return;
    }
    panic!("ten times the last commit had just been folded");
}

/// A folder that a server was stopped in, with some users.
async fn stopped_with_users() -> Arc<tempfile::TempDir> {
    let mut server = Server::start().await;
    for number in 0..200 {
        server.create_user(&format!("u{number}")).await;
    }
    server.signal("TERM");
    assert!(server.ended().await.success());
    Arc::clone(&server.folder)
}

/// Whether `headwater doctor` finds a data folder in order, and what it says.
fn doctor(folder: &Path) -> (bool, String) {
    let mut command = binary();
    command
        .arg("doctor")
        .env("HEADWATER_DATA_DIR", folder)
        .env("HEADWATER_LISTEN", format!("127.0.0.1:{}", free_port()));
    let output = output_of(command);
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// The doctor fails, with this in one line.
fn assert_found((in_order, said): &(bool, String), finding: &str) {
    let found = said.lines().any(|line| line.contains("fail") && line.contains(finding));
    assert!(found && !in_order, "expected {finding:?} in {said}");
}

fn assert_says_damaged(folder: &Path) {
    assert_refused(&output_of(serve_command(folder, free_port())), "restore it from a backup");
    assert_found(&doctor(folder), "restore it from a backup");
    assert_found(&doctor(folder), "headwater.db is damaged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_cut_in_half_is_refused_and_the_doctor_knows() {
    let folder = stopped_with_users().await;
    cut(&folder.path().join("headwater.db"), |length| length / 2 / 4096 * 4096);
    assert_says_damaged(folder.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_garbage_is_refused_and_the_doctor_knows() {
    let folder = stopped_with_users().await;
    std::fs::write(folder.path().join("headwater.db"), "no database\n".repeat(5000)).unwrap();
    assert_says_damaged(folder.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_the_databases_place_is_refused() {
    let folder = stopped_with_users().await;
    let database = folder.path().join("headwater.db");
    std::fs::remove_file(&database).unwrap();
    std::fs::create_dir(&database).unwrap();
    assert_refused(&output_of(serve_command(folder.path(), free_port())), "cannot open its database");
    assert_found(&doctor(folder.path()), "cannot open its database");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_that_a_start_does_not_meet_is_found_by_the_doctor() {
    let folder = stopped_with_users().await;
    let database = folder.path().join("headwater.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let from = bytes.len() / 4096 / 2 * 4096;
    // All pages from the middle on but for the last one: most of them are of the log and the users.
    let until = bytes.len() - 4096;
    bytes[from..until].fill(0xa5);
    std::fs::write(&database, bytes).unwrap();
    assert_found(&doctor(folder.path()), "headwater.db is damaged");
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_may_not_be_written_is_refused() {
    let folder = stopped_with_users().await;
    let database = folder.path().join("headwater.db");
    let attribute = |change: &str| {
        let changed = Command::new("chattr").arg(change).arg(&database).stderr(Stdio::null()).status();
        changed.is_ok_and(|status| status.success())
    };
    // Permissions do not bind root; this attribute does, where the file system has it.
    if !attribute("+i") {
        println!("skipped: files cannot be made immutable here");
        return;
    }
    let serve = output_of(serve_command(folder.path(), free_port()));
    let examined = doctor(folder.path());
    assert!(attribute("-i"), "the folder can be removed again");
    assert_refused(&serve, "readonly database");
    assert_found(&examined, "readonly database");
    let server = Server::start_in(folder).await;
    server.create_user("after").await;
}
