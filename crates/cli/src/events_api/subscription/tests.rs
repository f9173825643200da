//! The reader against a server that does what it is told, on a real socket.

use std::time::Duration;

use domain::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::{Connection, Credentials};

/// How long a test waits for something that must happen.
const LIMIT: Duration = Duration::from_secs(20);
const PATIENCE: Patience = Patience { head: Duration::from_millis(300), silence: Duration::from_millis(300) };
const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n:connected\n\nretry: 10\n\n";

struct Zeros;
impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// What the server does with a connection.
enum Turn {
    /// Writes this and closes.
    Say(String),
    /// Writes this and then says nothing more.
    FallSilent(String),
}

/// A server with a turn for each connection; the first lines of the requests it got.
struct Server {
    url: String,
    requests: mpsc::UnboundedReceiver<String>,
    _task: JoinSet<()>,
}

impl Server {
    async fn start(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut silent = Vec::new();
            for turn in turns {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.unwrap());
                }
                let line = String::from_utf8(head).unwrap().lines().next().unwrap().to_owned();
                let _ = sender.send(line.replace("GET /api/v2/events", "").replace(" HTTP/1.1", ""));
                match turn {
                    Turn::Say(text) => socket.write_all(text.as_bytes()).await.unwrap(),
                    Turn::FallSilent(text) => {
                        socket.write_all(text.as_bytes()).await.unwrap();
                        silent.push(socket);
                    }
                }
            }
        });
        Self { url, requests, _task: task }
    }

    fn client(&self) -> ManagementClient {
        let credentials = Credentials::Token(Secret::new("t"));
        ManagementClient::new(Connection { url: self.url.clone(), credentials, extra_ca: None }).unwrap()
    }

    async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }
}

fn read(client: &ManagementClient, start: Start, reconnects: Reconnects) -> Subscription<'_> {
    let wish = Wish { types: vec!["user.created".into()], start, reconnects };
    Subscription::with_patience(client, wish, &Zeros, PATIENCE)
}

async fn next(subscription: &mut Subscription<'_>) -> Told {
    tokio::time::timeout(LIMIT, subscription.next()).await.expect("in time").expect("it has not ended")
}

/// The next signals in short, until one that stands for an end.
async fn signals(subscription: &mut Subscription<'_>, count: usize) -> Vec<String> {
    let mut told = Vec::new();
    while told.len() < count {
        told.push(match next(subscription).await {
            Ok(Signal::Connected) => "connected".into(),
            Ok(Signal::Event(event)) => format!("event {}", event.id),
            Ok(Signal::Progress(offset)) => format!("progress {offset}"),
            Ok(Signal::Problem { code, .. }) => format!("problem {code}"),
            Ok(Signal::Lost { reason, .. }) => format!("lost: {reason}"),
            Ok(Signal::Ended(failure)) => format!("ended: {}", failure.unwrap_or_default()),
            Err(error) => format!("over: {error}"),
        });
    }
    told
}

fn event(id: &str) -> String {
    format!("event: user.created\nid: o-{id}\ndata: {{\"offset\":\"o-{id}\",\"event\":{{\"id\":\"{id}\"}}}}\n\n")
}

fn ending(code: &str) -> String {
    format!("event: error\ndata: {{\"error\":{{\"code\":\"{code}\",\"message\":\"m\"}}}}\n\n")
}

fn refusal(status: u16, body: &str) -> Turn {
    Turn::Say(format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
}

#[tokio::test]
async fn it_goes_on_from_the_last_offset_however_the_connection_ended() {
    let progress = "event: offset-only\nid: p-1\ndata: {\"offset\":\"p-1\"}\n\n";
    let mut server = Server::start(vec![
        Turn::Say(format!("{OK}{}{}", event("a"), ending("connection_timeout"))),
        Turn::Say(format!("{OK}{progress}event: user.created\nid: o-half")),
        Turn::FallSilent(format!("{OK}{}", event("b"))),
        Turn::Say(format!("{OK}{}", event("c"))),
    ])
    .await;
    let client = server.client();
    let mut subscription = read(&client, Start::Now, Reconnects::Always);
    let told = signals(&mut subscription, 10).await;
    assert_eq!(told[..4], ["connected", "event a", "connected", "progress p-1"]);
    assert!(told[4].starts_with("lost: "), "{told:?}");
    assert_eq!(told[5..8], ["connected", "event b", "lost: nothing was heard for 0.3 s"]);
    assert_eq!(told[8..], ["connected", "event c"]);
    let asked = [server.request().await, server.request().await, server.request().await, server.request().await];
    let types = "?event_type=user.created";
    assert_eq!(
        asked,
        [types.into(), format!("{types}&from=o-a"), format!("{types}&from=p-1"), format!("{types}&from=o-b")]
    );
}

#[tokio::test]
async fn what_can_help_is_tried_again_and_what_cannot_is_the_end() {
    let mut server = Server::start(vec![
        refusal(403, r#"{"message":"Maximum concurrent"}"#),
        Turn::Say(format!("{OK}{}", ending("processing_error"))),
        refusal(403, r#"{"message":"Insufficient scope","errorCode":"insufficient_scope"}"#),
    ])
    .await;
    let client = server.client();
    let mut subscription = read(&client, Start::After("x".into()), Reconnects::Always);
    assert_eq!(
        signals(&mut subscription, 5).await,
        [
            "lost: Maximum concurrent",
            "connected",
            "problem processing_error",
            "lost: m",
            "over: 403 Forbidden: Insufficient scope"
        ]
    );
    assert_eq!(server.request().await, "?event_type=user.created&from=x");
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn what_the_log_has_forgotten_is_told_before_and_after_the_start() {
    for turn in [
        refusal(410, r#"{"message":"m","errorCode":"cursor_expired"}"#),
        Turn::Say(format!("{OK}{}", ending("cursor_expired"))),
    ] {
        let server = Server::start(vec![turn]).await;
        let client = server.client();
        let mut subscription = read(&client, Start::After("x".into()), Reconnects::Always);
        let error = loop {
            match next(&mut subscription).await {
                Ok(Signal::Connected) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, SubscribeError::Expired(words) if words == "m"));
    }
}

#[tokio::test]
async fn it_gives_up_after_as_many_failures_as_it_may_make() {
    let unavailable = || refusal(503, "");
    let server = Server::start(vec![unavailable(), unavailable()]).await;
    let client = server.client();
    let mut subscription = read(&client, Start::Now, Reconnects::AtMost(NonZeroU32::new(1).unwrap()));
    let told = signals(&mut subscription, 2).await;
    assert!(told[0].starts_with("lost: "), "{told:?}");
    assert!(told[1].starts_with("over: stream reconnection failed after 1 consecutive attempts: "), "{told:?}");

    let server = Server::start(vec![Turn::Say(format!("{OK}{}", ending("connection_timeout")))]).await;
    let client = server.client();
    let mut subscription = read(&client, Start::Now, Reconnects::Never);
    assert_eq!(signals(&mut subscription, 2).await, ["connected", "ended: "]);
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn a_server_that_was_never_there_is_an_error_and_one_that_has_gone_is_waited_for() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let server = Server::start(vec![Turn::Say(format!("{OK}{}", event("a")))]).await;
    let absent = Server { url: format!("http://{address}"), ..Server::start(Vec::new()).await };
    let client = absent.client();
    let mut subscription = read(&client, Start::Now, Reconnects::Always);
    let error = next(&mut subscription).await.unwrap_err();
    assert!(matches!(error, SubscribeError::Client(ClientError::Unreachable { .. })), "{error}");

    let client = server.client();
    let mut subscription = read(&client, Start::Now, Reconnects::Always);
    let told = signals(&mut subscription, 4).await;
    assert_eq!(told[..2], ["connected", "event a"]);
    assert!(told[2..].iter().all(|each| each.starts_with("lost: ")), "{told:?}");
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_noticed() {
    let server = Server::start(vec![
        Turn::FallSilent(String::new()),
        Turn::FallSilent("HTTP/1.1 503 X\r\ncontent-length: 9\r\n\r\n".into()),
        Turn::Say(format!("{OK}{}", event("a"))),
    ])
    .await;
    let client = server.client();
    let mut subscription = read(&client, Start::Now, Reconnects::Always);
    assert_eq!(
        signals(&mut subscription, 4).await,
        ["lost: no answer within 0.3 s", "lost: the answer did not end", "connected", "event a"]
    );
}
