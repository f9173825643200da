//! What a reader costs, counted in what is asked of the log.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use domain::catalog::EventType;
use domain::clock::{Entropy, Timestamp};
use domain::event::{Event, Subject};
use domain::ids::{EventId, TenantId};
use domain::place::Place;
use http_body_util::BodyExt;
use store::LogChunk;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use super::super::seats::Seats;
use super::*;
use crate::serve::{PeerAddress, requests};

const TENANT: TenantId = TenantId(1);
const EVENTS: u64 = 50_000;
const BODY_BYTES: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(3600);

/// A log of many events that counts how often it is read, and fails as it is told to.
struct CountedLog {
    reads: AtomicUsize,
    failures: Mutex<VecDeque<StoreError>>,
    heads: watch::Sender<Heads>,
    body: Bytes,
}

impl CountedLog {
    fn new() -> Arc<Self> {
        let (heads, _) = watch::channel(Heads { log: Seq(EVENTS), ..Heads::default() });
        let body = format!("{{\"x\":\"{}\"}}", "x".repeat(BODY_BYTES)).into();
        Arc::new(Self { reads: AtomicUsize::new(0), failures: Mutex::default(), heads, body })
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn event(&self, seq: u64) -> Arc<LoggedEvent> {
        let event = Event {
            id: EventId::from_number(seq.into()),
            event_type: EventType::UserCreated,
            subject: Subject::new("user", "1"),
            time: Timestamp::from_millis(0),
            body: self.body.clone(),
        };
        Arc::new(LoggedEvent { seq: Seq(seq), tenant: TENANT, only_stream: None, event })
    }
}

#[async_trait]
impl TenantLog for CountedLog {
    fn wake(&self) -> watch::Receiver<Heads> {
        self.heads.subscribe()
    }

    async fn place_find(&self, _: Place) -> Result<Seq, StoreError> {
        unreachable!("the operation asks, not the connection")
    }

    async fn tenant_events(&self, _: &Wanted, from: Seq, limit: ReadLimit) -> Result<LogChunk, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if let Some(failure) = self.failures.lock().unwrap().pop_front() {
            return Err(failure);
        }
        let count = limit.events.min(limit.bytes.div_ceil(self.body.len())) as u64;
        let next = (from.0 + count).min(EVENTS);
        Ok(LogChunk { events: (from.0..next).map(|seq| self.event(seq)).collect(), next: Seq(next) })
    }
}

struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn body(log: &Arc<CountedLog>, seats: &Arc<Seats>) -> EventBody {
    let lifetime = Lifetime { heartbeat: LONG, ends_after: (LONG, Ending::Cycled), stopping: CancellationToken::new() };
    let wanted = Wanted { tenant: TENANT, types: None };
    let start = Start { position: Seq::ZERO, is_told: false };
    let offsets = Arc::new(store::Offsets::new(&[7; store::DERIVED_KEY_BYTES]));
    let frames = Frames::new(TENANT, offsets, Arc::new(Zeros));
    EventBody::new(Arc::<CountedLog>::clone(log), wanted, start, lifetime, frames, seats.take(TENANT).unwrap())
}

async fn next(body: &mut EventBody) -> Option<String> {
    let frame = tokio::time::timeout(PATIENCE, body.frame()).await.unwrap()?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn the_log_is_read_a_chunk_at_a_time_when_somebody_asks() {
    let (log, seats) = (CountedLog::new(), Arc::new(Seats::new(1)));
    let mut body = body(&log, &seats);
    assert_eq!(next(&mut body).await.unwrap(), ":connected\n\nretry: 2000\n\n");
    assert_eq!(log.reads(), 0);
    for reads in 1..=3 {
        let frames = next(&mut body).await.unwrap();
        assert_eq!(log.reads(), reads);
        assert!(frames.len() < 2 * READ_LIMIT.bytes, "{}", frames.len());
        tokio::task::yield_now().await;
        assert_eq!(log.reads(), reads, "nothing is read ahead");
    }
    assert!(seats.take(TENANT).is_none());
    drop(body);
    assert!(seats.take(TENANT).is_some(), "its place is free");
    assert_eq!(Arc::strong_count(&log), 1, "and nothing is left of it");
}

#[tokio::test]
async fn what_goes_wrong_is_told_in_the_last_frame() {
    let unavailable = || StoreError::Unavailable { doing: "read its log", source: "disk".into() };
    for (failure, code, offset) in
        [(unavailable(), "processing_error", true), (PlaceError::Expired.into(), "cursor_expired", false)]
    {
        let (log, seats) = (CountedLog::new(), Arc::new(Seats::new(1)));
        log.failures.lock().unwrap().push_back(failure);
        let mut body = body(&log, &seats);
        next(&mut body).await.unwrap();
        let frame = next(&mut body).await.unwrap();
        assert!(frame.starts_with(&format!("event: error\ndata: {{\"error\":{{\"code\":\"{code}\"")), "{frame}");
        assert_eq!(frame.contains("offset"), offset, "{frame}");
        assert!(!frame.contains("disk"), "{frame}");
        assert!(seats.take(TENANT).is_some(), "its place is free with the last frame");
        assert_eq!(next(&mut body).await, None);
    }
}

#[tokio::test]
async fn for_a_socket_that_takes_nothing_no_more_is_read_than_it_holds() {
    let logs = [CountedLog::new(), CountedLog::new()];
    let (seats, stop, mut tasks) = (Arc::new(Seats::new(2)), CancellationToken::new(), JoinSet::new());
    let peer = PeerAddress("192.0.2.7:5555".parse().unwrap());
    let mut asked = Vec::new();
    for log in &logs {
        let (log, seats) = (Arc::clone(log), Arc::clone(&seats));
        let router = Router::new().route("/", get(async move || axum::body::Body::new(body(&log, &seats))));
        let (near, mut far) = tokio::io::duplex(READ_LIMIT.bytes);
        tasks.spawn(requests(near, peer, router, stop.clone()));
        far.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        asked.push(far);
    }
    let mut reading = asked.pop().unwrap();
    let all = usize::try_from(EVENTS).unwrap() * BODY_BYTES;
    let (mut taken, mut buffer) = (0, vec![0; READ_LIMIT.bytes]);
    while taken < all {
        let count = tokio::time::timeout(PATIENCE, reading.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "the connection ended after {taken} bytes");
        taken += count;
    }
    let [stalled, reading] = logs.map(|log| log.reads());
    assert!(reading > 500, "{reading}");
    // What the pipe takes, what waits to be written to it, and the one chunk that is the last.
    assert!(stalled <= 4, "{stalled} chunks were read for the one that takes nothing");
    drop(asked);
    stop.cancel();
    tasks.shutdown().await;
}
