//! `GET /api/v2/events`: connections, from how many there may be to how each ends.

use std::net::SocketAddr;
use std::time::Duration;

use domain::clock::Timestamp;
use serde_json::json;
use store::Log;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::reading::{Message, PATH, Reading};
use crate::server::{CLIENT_SECRET, Server, error, load, open_store, readers};

const SOON: Duration = Duration::from_secs(30);
const QUICK: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3600);
/// Long before anything that is served would be cut off.
const DRAIN_MAX: Duration = Duration::from_secs(120);

const CLOSED: &str = "The connection is closed by the server. Reconnect to continue.";

/// Reads on to the error, which must be the last frame; the code, the message and the offset.
async fn ending(reading: &mut Reading) -> (String, String, Option<String>) {
    loop {
        let Message { event, data, .. } = reading.message().await.expect("an error comes before the end");
        if event == "error" {
            assert_eq!(reading.frame().await, None);
            let text = |name: &str| data["error"][name].as_str().map(str::to_owned);
            return (text("code").unwrap(), text("message").unwrap(), text("offset"));
        }
    }
}

/// The server after a restart.
async fn reopened(server: Server) -> Server {
    let Server { router, store, clock, token, folder } = server;
    drop((router, store));
    let store = open_store(&folder);
    let router = load(&store, &clock, CLIENT_SECRET, readers(8, LONG, LONG)).await;
    Server { router, store, clock, token, folder }
}

/// The server on a socket.
struct Serving {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Serving {
    async fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serve = web::serve(listener, None, server.router.clone(), shutdown.clone(), DRAIN_MAX);
        Self { address, shutdown, task: tokio::spawn(serve) }
    }

    /// Connects over a socket; the head of the answer has arrived.
    async fn connect(&self, server: &Server, query: &str) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let token = &server.token;
        let head = format!("GET {PATH}{query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        while !answer.contains("\r\n\r\n") {
            let mut byte = [0];
            let count = tokio::time::timeout(SOON, stream.read(&mut byte)).await.unwrap().unwrap();
            assert_eq!(count, 1, "the connection ended after {answer:?}");
            answer.push(byte[0].into());
        }
        (stream, answer)
    }
}

#[tokio::test]
async fn a_heartbeat_says_where_the_reader_stands() {
    let server = Server::start_with(readers(8, QUICK, LONG)).await;
    let mut reading = server.subscribe("?event_type=group.created").await;
    server.raise("user.created", 5).await;
    // Nothing that it wants has come, yet it gets on.
    let end = loop {
        let message = reading.message().await.unwrap();
        assert_eq!((message.event.as_str(), &message.data["offset"]), ("offset-only", &json!(message.id)));
        if server.position(&message.id).await == server.end() {
            break message.id;
        }
    };
    assert_eq!(reading.frame().await.unwrap(), ": heartbeat");
    let ids = server.raise("group.created", 1).await;
    assert_eq!(reading.event_ids(1).await, ids);
    let mut resumed = server.subscribe(&format!("?from={end}")).await;
    assert_eq!(resumed.event_ids(1).await, ids);
}

#[tokio::test]
async fn a_connection_is_closed_after_a_while_and_nothing_is_missed() {
    let server = Server::start_with(readers(8, LONG, Duration::from_millis(100))).await;
    let before = server.raise("user.created", 3).await;
    let mut reading = server.subscribe("?from_timestamp=2020-01-01T00:00:00Z").await;
    assert_eq!(reading.event_ids(3).await, before);
    let (code, message, offset) = ending(&mut reading).await;
    assert_eq!((code.as_str(), message.as_str()), ("connection_timeout", CLOSED));
    let meanwhile = server.raise("user.created", 2).await;
    let mut resumed = server.subscribe(&format!("?from={}", offset.unwrap())).await;
    assert_eq!(resumed.event_ids(2).await, meanwhile);
}

#[tokio::test]
async fn a_connection_does_not_outlive_its_token() {
    let server = Server::start().await;
    // Tokens end on a whole second; the clock stands 955 ms after one.
    server.clock.advance(Duration::from_millis(86_400_000 - 955 - 200));
    let mut reading = server.subscribe("").await;
    let (code, message, offset) = ending(&mut reading).await;
    let expected = "The access token has expired. Reconnect with a new one to continue.";
    assert_eq!((code.as_str(), message.as_str()), ("connection_timeout", expected));
    assert_eq!(server.position(&offset.unwrap()).await, server.end());
    server.clock.advance(Duration::from_millis(200));
    assert_eq!(server.refused("", &[]).await.status, 401);
}

#[tokio::test]
async fn a_tenant_has_so_many_connections_and_one_that_ends_makes_room() {
    let server = Server::start_with(readers(3, LONG, LONG)).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(server.subscribe("").await);
    }
    let message = "Maximum concurrent event stream connections reached. Please close existing connections.";
    assert_eq!(server.refused("", &[]).await.expect(403), error(403, "Forbidden", message));
    // What is faulty is said first, and takes no place.
    assert_eq!(server.refused("?from=x", &[]).await.status, 400);
    open.pop();
    assert_eq!(server.refused(&format!("?from={}", server.offset(server.end() + 1).await), &[]).await.status, 400);
    open.push(server.subscribe("").await);
    assert_eq!(server.refused("", &[]).await.status, 403);
}

#[tokio::test]
async fn a_reader_that_goes_away_makes_room_without_a_heartbeat() {
    let server = Server::start_with(readers(1, LONG, LONG)).await;
    let serving = Serving::start(&server).await;
    for reset in [false, true] {
        let (stream, answer) = serving.connect(&server, "").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(server.refused("", &[]).await.status, 403);
        if reset {
            // Unread bytes are there: closing tells the server that they never arrive.
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
        let room = async {
            while server.try_subscribe_with("", &[]).await.is_err() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(SOON, room).await.expect("its place becomes free");
    }
}

#[tokio::test]
async fn when_the_server_stops_readers_are_told_and_do_not_hold_it_up() {
    let server = Server::start_with(readers(8, LONG, LONG)).await;
    let serving = Serving::start(&server).await;
    let (mut stream, _) = serving.connect(&server, "").await;
    // Another one takes nothing although there is a lot to take.
    for _ in 0..15 {
        server.raise("user.created", 1000).await;
    }
    let (_stalled, _) = serving.connect(&server, "?from_timestamp=2020-01-01T00:00:00Z").await;
    serving.shutdown.cancel();
    let mut text = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    let last = text.split("\n\n").filter(|frame| frame.contains("event: ")).last().unwrap();
    assert!(last.contains("event: error") && last.contains("connection_timeout") && last.contains(CLOSED), "{last}");
    assert!(text.ends_with("0\r\n\r\n"), "the answer ends as a whole");
    tokio::time::timeout(SOON, serving.task).await.expect("nobody is waited for").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_holds_up_nobody_and_misses_nothing() {
    const EVENTS: usize = 50_000;
    let server = Server::start_with(readers(8, LONG, LONG)).await;
    let mut slow = server.subscribe("").await;
    let mut quick = server.subscribe("").await;
    assert_eq!(slow.frame().await.unwrap(), ":connected");
    let publishing = async {
        let mut ids = Vec::with_capacity(EVENTS);
        while ids.len() < EVENTS {
            ids.extend(server.raise("user.created", 1000).await);
        }
        ids
    };
    let (published, read) = tokio::join!(publishing, quick.event_ids(EVENTS));
    assert!(published == read, "the quick one has read something else than what was published");
    assert!(slow.event_ids(EVENTS).await == published, "the slow one has missed or repeated something");
}

#[tokio::test]
async fn a_reader_that_is_overtaken_by_retention_is_told() {
    let server = Server::start_with(readers(8, LONG, LONG)).await;
    server.raise("user.created", 1000).await;
    let beginning = server.offset(1).await;
    // From the disk: what is in memory is still told.
    let server = reopened(server).await;
    let mut reading = server.subscribe(&format!("?from={beginning}")).await;
    reading.event_ids(1).await;
    while server.store.retention_pass(Timestamp::from_millis(i64::MAX), 500).await.unwrap().events > 0 {}
    let (code, message, offset) = ending(&mut reading).await;
    let expected = "Cursor points to data no longer available in the stream.";
    assert_eq!((code.as_str(), message.as_str(), offset), ("cursor_expired", expected, None));
    assert_eq!(server.refused(&format!("?from={beginning}"), &[]).await.status, 410);
}

#[tokio::test]
async fn an_offset_is_valid_after_a_restart() {
    let server = Server::start().await;
    let first = server.raise("user.created", 1).await;
    let mut reading = server.subscribe("?from_timestamp=2020-01-01T00:00:00Z").await;
    let message = reading.event().await;
    assert_eq!(message.data["event"]["id"], first[0].as_str());
    let second = server.raise("user.created", 1).await;
    drop(reading);
    let server = reopened(server).await;
    let mut resumed = server.subscribe_with("", &[("last-event-id", &message.id)]).await;
    assert_eq!(resumed.event_ids(1).await, second);
}
