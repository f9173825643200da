//! The Events API over connections that break, at any byte, and servers that are killed: whoever goes on from the last
//! offset that arrived misses nothing and gets nothing twice.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::receiver::PATIENCE;
use crate::server::{Server, variable};

const DISCONNECTIONS: usize = 1000;
const CRASHES: usize = 4;
const CLIENTS: usize = 2;
/// The most that is read of one answer.
const BYTES_MAX: u64 = 6000;
/// How long a reader that has got everything waits before it goes away.
const IDLE_MAX: Duration = Duration::from_millis(5);

/// SplitMix64.
struct Random(u64);

impl Random {
    /// Below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % end
    }
}

/// Users that clients create until the server is gone or they are told to end.
struct Load {
    clients: JoinSet<()>,
    answered: Arc<Mutex<BTreeSet<String>>>,
    ending: Arc<AtomicBool>,
}

impl Load {
    fn start(server: &Arc<Server>, answered: &Arc<Mutex<BTreeSet<String>>>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut load = Self { clients: JoinSet::new(), answered: Arc::clone(answered), ending: Arc::default() };
        for _ in 0..CLIENTS {
            let (server, answered, ending) = (Arc::clone(server), Arc::clone(answered), Arc::clone(&load.ending));
            load.clients.spawn(async move {
                while !ending.load(Ordering::Acquire) {
                    let body = Server::user_body(&format!("u{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
                    let Some((status, user)) = server.try_call("POST", "users", Some(body)).await else { return };
                    assert_eq!(status, 201, "{user}");
                    answered.lock().unwrap().insert(user["user_id"].as_str().unwrap().to_owned());
                }
            });
        }
        load
    }

    /// Lets the clients end; how many users were answered so far.
    async fn end(self) -> usize {
        self.ending.store(true, Ordering::Release);
        self.clients.join_all().await;
        self.answered.lock().unwrap().len()
    }
}

/// What is received over one connection, byte for byte.
struct Answer {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Answer {
    /// Asks for events, from after `last` on.
    #[allow(clippy::disallowed_methods, reason = "a reader connects to the server under test")]
    async fn ask(server: &Server, last: Option<&str>, by_header: bool) -> std::io::Result<Self> {
        let address = server.url.trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address).await?;
        let (query, header) = match last {
            Some(offset) if by_header => (String::new(), format!("last-event-id: {offset}\r\n")),
            Some(offset) => (format!("&from={offset}"), String::new()),
            None => (String::new(), String::new()),
        };
        let head = format!(
            "GET /api/v2/events?event_type=user.created{query} HTTP/1.1\r\nhost: {address}\r\n\
             authorization: Bearer {}\r\naccept: text/event-stream\r\n{header}\r\n",
            server.token(),
        );
        stream.write_all(head.as_bytes()).await?;
        Ok(Self { stream, bytes: Vec::new() })
    }

    /// Reads until there are `most` bytes, or nothing comes for a while; `false` if the connection has ended.
    async fn read(&mut self, most: u64, idle_max: Duration) -> bool {
        let most = usize::try_from(most).unwrap();
        let mut buffer = [0; 4096];
        while self.bytes.len() < most {
            let room = buffer.len().min(most - self.bytes.len());
            match tokio::time::timeout(idle_max, self.stream.read(&mut buffer[..room])).await {
                Ok(Ok(count)) if count > 0 => self.bytes.extend(&buffer[..count]),
                Ok(_) => return false,
                Err(_) => return true,
            }
        }
        true
    }

    /// The status, if that much has arrived.
    fn status(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(9..12)?).ok()
    }

    /// The body as far as it has arrived, without the sizes of its chunks.
    fn body(&self) -> Vec<u8> {
        let end_of = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
        let mut body = Vec::new();
        let Some(head) = end_of(&self.bytes, b"\r\n\r\n") else { return body };
        let mut rest = &self.bytes[head + 4..];
        while let Some(line) = end_of(rest, b"\r\n") {
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
            rest = &rest[line + 2..];
            body.extend(&rest[..size.min(rest.len())]);
            rest = rest.get(size + 2..).unwrap_or_default();
        }
        body
    }
}

/// Somebody who keeps the offset of the last message that arrived whole.
#[derive(Default)]
struct Reader {
    last: Option<String>,
    /// The ids of the events, as they came.
    events: Vec<String>,
    users: BTreeSet<String>,
}

impl Reader {
    /// Takes up the messages that have arrived whole.
    fn take(&mut self, answer: &Answer) {
        let body = answer.body();
        let text = String::from_utf8_lossy(&body);
        let Some((whole, _)) = text.rsplit_once("\n\n") else { return };
        for frame in whole.split("\n\n") {
            let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            let (Some(event), Some(id)) = (line("event: "), line("id: ")) else { continue };
            self.last = Some(id.to_owned());
            if event == "user.created" {
                let data: Value = serde_json::from_str(line("data: ").unwrap()).unwrap();
                self.events.push(data["event"]["id"].as_str().unwrap().to_owned());
                self.users.insert(data["event"]["data"]["object"]["user_id"].as_str().unwrap().to_owned());
            }
        }
    }

    /// Reads over one connection until it breaks after `most` bytes; `false` if there was no place for it.
    async fn connect(&mut self, server: &Server, most: u64, by_header: bool, idle_max: Duration) -> bool {
        let mut answer = Answer::ask(server, self.last.as_deref(), by_header).await.unwrap();
        answer.read(most, idle_max).await;
        if answer.status() == Some("403") {
            return false;
        }
        assert!(answer.status().is_none_or(|status| status == "200"), "{}", String::from_utf8_lossy(&answer.bytes));
        self.take(&answer);
        true
    }
}

/// Kills the server while it answers, and starts it again.
async fn crash(server: Arc<Server>, load: Load, reader: &mut Reader, most: u64) -> Arc<Server> {
    let mut answer = Answer::ask(&server, reader.last.as_deref(), true).await.unwrap();
    answer.read(most, IDLE_MAX).await;
    server.signal("KILL");
    while answer.read(u64::from(u32::MAX), PATIENCE).await {}
    reader.take(&answer);
    load.end().await;
    let Some(killed) = Arc::into_inner(server) else { panic!("the clients have ended") };
    Arc::new(Server::start_in(killed.crash()).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_or_repeated_over_a_thousand_broken_connections() {
    let seed = variable("STORY_SEED").map_or_else(|| RandomState::new().hash_one(0), |text| text.parse().unwrap());
    println!("STORY_SEED={seed}");
    let mut random = Random(seed);
    let mut server = Arc::new(Server::start().await);
    let mut reader = Reader::default();
    // Whoever starts now is told at once from where on to go on.
    while reader.last.is_none() {
        reader.connect(&server, BYTES_MAX, false, Duration::from_millis(100)).await;
    }
    let beginning = reader.last.clone();
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    let mut load = Load::start(&server, &answered);
    let (mut broken, mut crashes, mut no_place) = (0, 0, 0);
    while broken < DISCONNECTIONS {
        if broken >= (crashes + 1) * DISCONNECTIONS / (CRASHES + 1) {
            crashes += 1;
            broken += 1;
            server = crash(server, load, &mut reader, random.below(BYTES_MAX)).await;
            load = Load::start(&server, &answered);
        } else if reader.connect(&server, random.below(BYTES_MAX), random.below(2) == 0, IDLE_MAX).await {
            broken += 1;
        } else {
            no_place += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let answered_count = load.end().await;
    let after_breaking = reader.events.len();

    // Somebody whose connection never broke, over the same events.
    let mut whole = Reader { last: beginning, ..Reader::default() };
    let quiet = Duration::from_millis(500);
    for each in [&mut whole, &mut reader] {
        while !answered.lock().unwrap().is_subset(&each.users) {
            assert!(each.connect(&server, u64::from(u32::MAX), true, quiet).await);
        }
    }
    assert!(reader.events == whole.events, "seed {seed}: something was missed, repeated or out of order");
    let distinct: BTreeSet<_> = reader.events.iter().collect();
    assert_eq!(distinct.len(), reader.events.len(), "seed {seed}");
    assert!(after_breaking > DISCONNECTIONS / 2, "seed {seed}: {after_breaking} events over the broken connections");
    println!(
        "{broken} broken connections, {crashes} crashes: {answered_count} users answered, {after_breaking} events over \
         broken connections, {} in all, missed 0, repeated 0; {no_place} times all seats were taken",
        reader.events.len()
    );
}
