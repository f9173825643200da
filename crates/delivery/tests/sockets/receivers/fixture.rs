//! A receiver on loopback that does what a test tells it, and deliveries to it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use delivery::destinations::{Delivery, Destination, Destinations};
use delivery::outbound::{Outbound, OutboundSettings};
use domain::catalog::EventType;
use domain::clock::{Clock, Moment, Timestamp};
use domain::delivery::{Failure, FailureKind, Outcome};
use domain::delivery_settings::DeliverySettings;
use domain::destination::{Authorization, Endpoint, Webhook};
use domain::event::{Event, LoggedEvent, Seq, Subject};
use domain::ids::{EventId, StreamId, TenantId};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamOptions, StreamStatus};
use domain::transport::Transport;
use store::Offsets;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// The longest that a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The attempt timeout where the time limit is not the subject.
pub(crate) const AMPLE: Duration = Duration::from_secs(10);
/// The attempt timeout where it is.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// Steady time that can be moved forward; the wall clock stands still until it is moved.
pub(crate) struct TestClock {
    start: Instant,
    skipped_ms: AtomicU64,
    wall_skipped_ms: AtomicU64,
}

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "a test's clock is where its time comes from")]
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), skipped_ms: AtomicU64::new(0), wall_skipped_ms: AtomicU64::new(0) })
    }

    pub(crate) fn skip_wall(&self, span: Duration) {
        self.wall_skipped_ms.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn skip(&self, span: Duration) {
        self.skipped_ms.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let skipped = Duration::from_millis(self.skipped_ms.load(Ordering::SeqCst));
        let wall = Timestamp::parse("2026-01-16T08:50:33Z").unwrap();
        let wall = wall.plus(Duration::from_millis(self.wall_skipped_ms.load(Ordering::SeqCst)));
        Moment { wall, steady: self.start.elapsed() + skipped }
    }
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One accepted connection, as the receiver's side sees it.
pub(crate) struct Conversation {
    pub(crate) stream: Box<dyn Stream>,
    /// Which connection this is, from 1.
    pub(crate) connection: usize,
    requests: mpsc::UnboundedSender<String>,
    ended: mpsc::UnboundedSender<usize>,
}

impl Conversation {
    /// Reads a request with its body and records it; `None` if the connection was closed.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    let text = text.into_owned();
                    let _test_is_over = self.requests.send(text.clone());
                    return Some(text);
                }
            }
            if self.stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Records what was read in another way.
    pub(crate) fn record(&self, request: &str) {
        let _test_is_over = self.requests.send(request.to_owned());
    }

    /// Writes to the connection; false if the other side has gone.
    pub(crate) async fn write(&mut self, text: &str) -> bool {
        self.stream.write_all(text.as_bytes()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Writes without end, until the other side has gone; reports how much it wrote.
    pub(crate) async fn write_endlessly(&mut self, chunk: &str) {
        self.write_bytes_endlessly(chunk.as_bytes()).await;
    }

    /// The same with bytes that are no text.
    pub(crate) async fn write_bytes_endlessly(&mut self, chunk: &[u8]) {
        let mut written = 0;
        // A partial write goes on where it stopped, so that what arrives is the chunk again and again.
        while let Ok(bytes) = self.stream.write(&chunk[written % chunk.len()..]).await {
            written += bytes;
        }
        let _test_is_over = self.ended.send(written);
    }

    /// Writes a byte at a time, at a pace, until the other side has gone.
    pub(crate) async fn trickle(&mut self, text: &str) {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        for byte in text.as_bytes() {
            pace.tick().await;
            if self.stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        self.until_closed().await;
    }

    /// Reads some bytes and forgets them.
    pub(crate) async fn read_some(&mut self) {
        let mut some = [0; 1];
        let _closed_early = self.stream.read(&mut some).await;
    }

    /// Waits until the other side closes the connection, and reports that it did.
    pub(crate) async fn until_closed(&mut self) {
        let mut rest = [0; 1024];
        while self.stream.read(&mut rest).await.is_ok_and(|bytes| bytes > 0) {}
        let _test_is_over = self.ended.send(0);
    }
}

type Behaviour = Arc<dyn Fn(Conversation) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A receiver. Dropping it ends it.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    requests: mpsc::UnboundedReceiver<String>,
    ended: mpsc::UnboundedReceiver<usize>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    /// A receiver that does `behaviour` on every connection.
    pub(crate) async fn start<F, Fut>(behaviour: F) -> Self
    where
        F: Fn(Conversation) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::start_with(None, behaviour).await
    }

    /// The same over TLS.
    pub(crate) async fn start_with<F, Fut>(tls: Option<TlsAcceptor>, behaviour: F) -> Self
    where
        F: Fn(Conversation) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let behaviour: Behaviour = Arc::new(move |conversation| Box::pin(behaviour(conversation)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (requests_tx, requests) = mpsc::unbounded_channel();
        let (ended_tx, ended) = mpsc::unbounded_channel();
        let counter = Arc::clone(&accepted);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                let connection = counter.fetch_add(1, Ordering::SeqCst) + 1;
                let (requests, ended) = (requests_tx.clone(), ended_tx.clone());
                let (tls, behaviour) = (tls.clone(), Arc::clone(&behaviour));
                connections.spawn(async move {
                    let stream: Box<dyn Stream> = match tls {
                        None => Box::new(socket),
                        Some(tls) => match tls.accept(socket).await {
                            Ok(stream) => Box::new(stream),
                            Err(_) => return,
                        },
                    };
                    behaviour(Conversation { stream, connection, requests, ended }).await;
                });
            }
        });
        Self { address, accepted, requests, ended, _tasks: tasks }
    }

    /// A receiver that answers every request with `answer` and keeps the connection open.
    pub(crate) async fn answering(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::start(move |mut conversation| {
            let answer = answer.clone();
            async move {
                while conversation.request().await.is_some() {
                    if !conversation.write(&answer).await {
                        return;
                    }
                }
            }
        })
        .await
    }

    /// A receiver that answers one request a connection with `answer` and then closes it.
    pub(crate) async fn answering_once(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::start(move |mut conversation| {
            let answer = answer.clone();
            async move {
                conversation.request().await;
                conversation.write(&answer).await;
            }
        })
        .await
    }

    /// How many connections were made to it.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// The next request that it got.
    pub(crate) async fn next_request(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.requests.recv()).await.expect("a request arrives").unwrap()
    }

    /// Waits until the other side has closed a connection; how much had been written to it, where that is counted.
    pub(crate) async fn closed(&mut self) -> usize {
        tokio::time::timeout(PATIENCE, self.ended.recv()).await.expect("the connection is closed").unwrap()
    }

    /// Whether no request has got through to it.
    pub(crate) fn nothing_arrived(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }
}

/// Settings that allow loopback.
pub(crate) fn settings(attempt_timeout: Duration) -> OutboundSettings {
    OutboundSettings {
        allow: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        attempt_timeout,
        ..OutboundSettings::default()
    }
}

pub(crate) fn outbound(settings: OutboundSettings) -> Outbound {
    Outbound::new(settings, TestClock::new()).unwrap()
}

pub(crate) fn bearer() -> Authorization {
    Authorization::Bearer { token: Secret::new("s3cret-token") }
}

pub(crate) fn destination(outbound: &Outbound, url: &str, authorization: Authorization) -> Arc<dyn Destination> {
    destination_with(outbound, url, authorization, StreamOptions::default())
}

/// The offsets of the tenant that [`delivery`] is of.
pub(crate) fn offsets() -> Offsets {
    Offsets::new(&[7; store::DERIVED_KEY_BYTES])
}

pub(crate) fn options(delivery: DeliverySettings) -> StreamOptions {
    StreamOptions { delivery, ..StreamOptions::default() }
}

/// The options of a stream whose receiver is reached by that way.
pub(crate) fn by(transport: Transport) -> StreamOptions {
    options(DeliverySettings { transport, ..DeliverySettings::default() })
}

pub(crate) fn destination_with(
    outbound: &Outbound,
    url: &str,
    authorization: Authorization,
    options: StreamOptions,
) -> Arc<dyn Destination> {
    let webhook = Webhook { endpoint: Endpoint::parse(url, true).unwrap(), authorization };
    let stream = EventStream {
        id: StreamId::from_number(9),
        name: None,
        status: StreamStatus::Enabled,
        subscriptions: vec![EventType::UserCreated],
        destination: domain::destination::Destination::Webhook(webhook),
        options,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    Destinations::new(outbound.clone()).of(&stream, Arc::new(offsets()))
}

/// A delivery of a small event.
pub(crate) fn delivery() -> Delivery {
    let event = Event {
        id: EventId::from_number(7),
        event_type: EventType::UserCreated,
        subject: Subject::new("user", "auth0|1"),
        time: Timestamp::default(),
        body: Bytes::from_static(br#"{"specversion":"1.0","a0tenant":"acme"}"#),
    };
    Delivery {
        event: Arc::new(LoggedEvent { seq: Seq(1), tenant: TenantId(1), only_stream: None, event }),
        attempt: 1,
        payload: None,
    }
}

/// What the receiver gets of [`delivery`].
pub(crate) fn delivered_body() -> String {
    format!(r#"{{"specversion":"1.0","a0tenant":"acme","a0stream":"{}"}}"#, StreamId::from_number(9))
}

/// Delivers to `url` once, with loopback allowed.
pub(crate) async fn deliver_to(url: &str, attempt_timeout: Duration) -> Outcome {
    deliver(&*destination(&outbound(settings(attempt_timeout)), url, bearer())).await
}

pub(crate) async fn deliver(destination: &dyn Destination) -> Outcome {
    tokio::time::timeout(PATIENCE, destination.deliver(delivery())).await.expect("an attempt ends by itself")
}

#[track_caller]
pub(crate) fn assert_delivered(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
}

#[track_caller]
pub(crate) fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        other => panic!("expected a failure: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_failed(outcome: Outcome, kind: FailureKind, message: &str) {
    let failure = failure(outcome);
    assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
}

#[track_caller]
pub(crate) fn assert_timed_out(outcome: Outcome, message: &str) {
    let failure = failure(outcome);
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Timeout, message));
    assert!(failure.duration >= SHORT && failure.duration < SHORT * 10, "{:?}", failure.duration);
}
