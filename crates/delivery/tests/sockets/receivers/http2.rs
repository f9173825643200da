//! HTTP/2: what is shared and what is not; connections that end, and requests that are refused.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use delivery::destinations::Destination;
use delivery::outbound::{Outbound, OutboundSettings};
use domain::delivery::{FailureKind, Outcome};
use domain::transport::Transport;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use hyper::{Request, Response};
use tokio::sync::{Barrier, mpsc};
use tokio::task::JoinSet;

use super::authority::Authority;
use super::fixture::{
    AMPLE, Conversation, PATIENCE, Receiver, SHORT, TestClock, assert_delivered, assert_timed_out, bearer, by, deliver,
    delivered_body, delivery, destination, destination_with, failure, offsets, outbound, settings,
};

/// Receivers that offer HTTP/2, and clients that want it.
pub(super) struct World {
    authority: Authority,
}

impl World {
    pub(super) fn new() -> Self {
        Self { authority: Authority::new() }
    }

    pub(super) async fn receiver<F, Fut>(&self, behaviour: F) -> Receiver
    where
        F: Fn(Conversation) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let acceptor = self.authority.acceptor("localhost", &["h2", "http/1.1"], None);
        Receiver::start_with(Some(acceptor), behaviour).await
    }

    fn settings(&self, attempt_timeout: Duration) -> OutboundSettings {
        OutboundSettings { extra_roots: vec![self.authority.root()], ..settings(attempt_timeout) }
    }

    pub(super) fn destination(&self, receiver: &Receiver, attempt_timeout: Duration) -> Arc<dyn Destination> {
        wanting_http2(&outbound(self.settings(attempt_timeout)), receiver)
    }
}

fn url(receiver: &Receiver) -> String {
    format!("https://localhost:{}/in/box?x=1", receiver.address.port())
}

fn wanting_http2(outbound: &Outbound, receiver: &Receiver) -> Arc<dyn Destination> {
    let transport = Transport { http2: true, ..Transport::default() };
    destination_with(outbound, &url(receiver), bearer(), by(transport))
}

type Exchange = (Request<RecvStream>, SendResponse<Bytes>);

/// Serves a connection: each request in a task of its own.
async fn serve<F, Fut>(conversation: Conversation, max_concurrent: u32, answer: F)
where
    F: Fn(Exchange) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut builder = h2::server::Builder::new();
    let Ok(mut connection) =
        builder.max_concurrent_streams(max_concurrent).handshake::<_, Bytes>(conversation.stream).await
    else {
        return;
    };
    let mut tasks = JoinSet::new();
    while let Some(Ok(exchange)) = connection.accept().await {
        tasks.spawn(answer(exchange));
    }
}

fn head(status: u16) -> Response<()> {
    Response::builder().status(status).body(()).unwrap()
}

async fn ok((_, mut respond): Exchange) {
    let _gone = respond.send_response(head(204), true);
}

async fn deliver_at_once(destination: &Arc<dyn Destination>, count: usize) -> Vec<Outcome> {
    let mut deliveries = JoinSet::new();
    for _ in 0..count {
        let destination = Arc::clone(destination);
        deliveries.spawn(async move { deliver(&*destination).await });
    }
    deliveries.join_all().await
}

#[tokio::test]
async fn requests_share_one_connection_and_go_side_by_side() {
    let world = World::new();
    let together = Arc::new(Barrier::new(8));
    let receiver = world
        .receiver(move |conversation| {
            let together = Arc::clone(&together);
            serve(conversation, 100, move |exchange| {
                let together = Arc::clone(&together);
                async move {
                    together.wait().await;
                    ok(exchange).await;
                }
            })
        })
        .await;
    let destination = world.destination(&receiver, AMPLE);
    for _ in 0..3 {
        for outcome in deliver_at_once(&destination, 8).await {
            assert_delivered(&outcome);
        }
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn what_is_sent_is_the_same_as_over_http1() {
    let world = World::new();
    let (sent, mut arrived) = mpsc::unbounded_channel();
    let receiver = world
        .receiver(move |conversation| {
            let sent = sent.clone();
            serve(conversation, 100, move |(request, respond)| {
                let sent = sent.clone();
                async move {
                    let (head, mut body) = request.into_parts();
                    let mut bytes = Vec::new();
                    while let Some(data) = body.data().await {
                        bytes.extend_from_slice(&data.unwrap());
                    }
                    let mut lines: Vec<_> = head
                        .headers
                        .iter()
                        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                        .collect();
                    lines.sort();
                    sent.send((format!("{} {}", head.method, head.uri), lines, bytes)).unwrap();
                    ok((Request::new(body), respond)).await;
                }
            })
        })
        .await;
    assert_delivered(&deliver(&*world.destination(&receiver, AMPLE)).await);
    let (first, lines, body) = arrived.recv().await.unwrap();
    assert_eq!(first, format!("POST {}", url(&receiver)));
    let expected = [
        "accept-encoding: identity".to_owned(),
        "authorization: Bearer s3cret-token".to_owned(),
        format!("content-length: {}", delivered_body().len()),
        "content-type: application/json".to_owned(),
        format!("headwater-offset: {}", offsets().after_event(delivery().event.seq)),
        format!("user-agent: headwater/{}", env!("CARGO_PKG_VERSION")),
    ];
    assert_eq!(lines, expected);
    assert_eq!(String::from_utf8(body).unwrap(), delivered_body());
}

#[tokio::test]
async fn it_is_spoken_only_where_both_want_it() {
    let world = World::new();
    let authority = &world.authority;
    // Offered, and not wanted.
    let acceptor = authority.acceptor("localhost", &["h2", "http/1.1"], None);
    let mut offering = authority.receiver_behind(acceptor).await;
    assert_delivered(&deliver(&*destination(&outbound(world.settings(AMPLE)), &url(&offering), bearer())).await);
    assert!(offering.next_request().await.starts_with("POST /in/box?x=1 HTTP/1.1\r\n"));
    // Wanted, and not offered: each request in flight has its own connection, as ever.
    for alpn in [&["http/1.1"][..], &[]] {
        let mut plain = authority.receiver_behind(authority.acceptor("localhost", alpn, None)).await;
        let destination = world.destination(&plain, AMPLE);
        for _ in 0..2 {
            for outcome in deliver_at_once(&destination, 4).await {
                assert_delivered(&outcome);
            }
        }
        assert!(plain.next_request().await.starts_with("POST /in/box?x=1 HTTP/1.1\r\n"));
        assert!((1..=4).contains(&plain.accepted()), "{}", plain.accepted());
    }
}

#[tokio::test]
async fn streams_do_not_share_a_connection() {
    let world = World::new();
    let receiver = world.receiver(|conversation| serve(conversation, 100, ok)).await;
    let outbound = outbound(world.settings(AMPLE));
    let [one, other] = [wanting_http2(&outbound, &receiver), wanting_http2(&outbound, &receiver)];
    for _ in 0..3 {
        assert_delivered(&deliver(&*one).await);
        assert_delivered(&deliver(&*other).await);
    }
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn a_receiver_that_takes_one_at_a_time_gets_them_so() {
    let world = World::new();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (Arc::clone(&now), Arc::clone(&most));
    let receiver = world
        .receiver(move |conversation| {
            let (now, most) = counters.clone();
            serve(conversation, 1, move |exchange| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    ok(exchange).await;
                }
            })
        })
        .await;
    let destination = world.destination(&receiver, AMPLE);
    // The first one learns what the receiver takes.
    assert_delivered(&deliver(&*destination).await);
    for outcome in deliver_at_once(&destination, 16).await {
        assert_delivered(&outcome);
    }
    assert_eq!((receiver.accepted(), most.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_receiver_that_takes_none_is_a_failure() {
    let world = World::new();
    let receiver = world.receiver(|conversation| serve(conversation, 0, ok)).await;
    let destination = world.destination(&receiver, SHORT);
    // The first request is on its way before we hear of it; the second one knows.
    let first = failure(deliver(&*destination).await);
    assert_eq!(first.kind, FailureKind::Unreachable, "{}", first.message);
    assert_timed_out(deliver(&*destination).await, "no answer within 300ms");
}

#[tokio::test]
async fn a_connection_that_says_goodbye_is_followed_by_another() {
    let world = World::new();
    let receiver = world
        .receiver(|conversation| async move {
            let mut connection = h2::server::handshake(conversation.stream).await.unwrap();
            let exchange = connection.accept().await.unwrap().unwrap();
            ok(exchange).await;
            connection.graceful_shutdown();
            while let Some(Ok(exchange)) = connection.accept().await {
                ok(exchange).await;
            }
        })
        .await;
    let destination = world.destination(&receiver, AMPLE);
    for _ in 0..4 {
        assert_delivered(&deliver(&*destination).await);
    }
    assert!((2..=4).contains(&receiver.accepted()), "{}", receiver.accepted());
}

#[tokio::test]
async fn a_request_that_was_refused_unread_is_sent_once_more() {
    let world = World::new();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let receiver = world
        .receiver(move |conversation| {
            let seen = Arc::clone(&counter);
            serve(conversation, 100, move |(request, mut respond)| {
                let refused = seen.fetch_add(1, Ordering::SeqCst) % 2 == 1;
                async move {
                    if refused {
                        respond.send_reset(Reason::REFUSED_STREAM);
                    } else {
                        ok((request, respond)).await;
                    }
                }
            })
        })
        .await;
    let destination = world.destination(&receiver, AMPLE);
    for _ in 0..3 {
        assert_delivered(&deliver(&*destination).await);
    }
    assert_eq!((seen.load(Ordering::SeqCst), receiver.accepted()), (5, 1));
}

#[tokio::test]
async fn a_reset_is_unreachable_and_costs_its_own_request_only() {
    let world = World::new();
    let receiver = world
        .receiver(|conversation| {
            serve(conversation, 100, |(_, mut respond)| async move { respond.send_reset(Reason::INTERNAL_ERROR) })
        })
        .await;
    let destination = world.destination(&receiver, AMPLE);
    for outcome in deliver_at_once(&destination, 4).await {
        let failure = failure(outcome);
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert!(failure.message.starts_with("the server reset the request: "), "{}", failure.message);
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_has_gone_silent_is_not_used_again() {
    let world = World::new();
    let receiver = world
        .receiver(|conversation| async move {
            let silent = conversation.connection == 1;
            serve(conversation, 100, move |exchange| async move {
                if silent {
                    let _held: Exchange = exchange;
                    std::future::pending::<()>().await;
                } else {
                    ok(exchange).await;
                }
            })
            .await;
        })
        .await;
    let destination = world.destination(&receiver, SHORT);
    // Until it is known what a receiver sends at the beginning, its silence cannot be told from that.
    for _ in 0..2 {
        assert_timed_out(deliver(&*destination).await, "no answer within 300ms");
        if receiver.accepted() == 2 {
            break;
        }
    }
    assert_delivered(&deliver(&*destination).await);
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn answers_are_limited_like_those_over_http1() {
    let world = World::new();
    let receiver = world
        .receiver(|conversation| {
            serve(conversation, 100, |(_, mut respond)| async move {
                let mut body = respond.send_response(head(500), false).unwrap();
                let chunk = Bytes::from(vec![b'x'; 16 * 1024]);
                loop {
                    body.reserve_capacity(chunk.len());
                    match std::future::poll_fn(|cx| body.poll_capacity(cx)).await {
                        Some(Ok(room)) => {
                            if body.send_data(chunk.slice(..room.min(chunk.len())), false).is_err() {
                                return;
                            }
                        }
                        _ => return,
                    }
                }
            })
        })
        .await;
    let destination = world.destination(&receiver, AMPLE);
    for _ in 0..20 {
        let failure = failure(deliver(&*destination).await);
        assert_eq!(failure.kind, FailureKind::Status { status: 500, retry_after: None });
        assert_eq!(failure.answer, Some("x".repeat(1024)));
    }
    assert_eq!(receiver.accepted(), 1, "only the request is given up, not the connection");
}

#[tokio::test]
async fn idle_and_old_connections_end() {
    let world = World::new();
    let receiver = world.receiver(|conversation| serve(conversation, 100, ok)).await;
    let clock = TestClock::new();
    let limits = OutboundSettings {
        idle_timeout: Duration::from_secs(60),
        connection_age_max: Duration::from_secs(100),
        ..world.settings(AMPLE)
    };
    let outbound = Outbound::new(limits, clock.clone()).unwrap();
    let destination = wanting_http2(&outbound, &receiver);
    assert_delivered(&deliver(&*destination).await);
    assert_eq!(outbound.close_idle(), 0);
    clock.skip(Duration::from_secs(60));
    assert_eq!(outbound.close_idle(), 1);
    for accepted in [2, 2, 2, 3] {
        assert_delivered(&deliver(&*destination).await);
        assert_eq!(receiver.accepted(), accepted);
        clock.skip(Duration::from_secs(40));
    }
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let world = World::new();
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let receiver = world
        .receiver(move |conversation| {
            let closed = closed.clone();
            async move {
                serve(conversation, 100, ok).await;
                closed.send(()).unwrap();
            }
        })
        .await;
    let destination = world.destination(&receiver, AMPLE);
    assert_delivered(&deliver(&*destination).await);
    drop(destination);
    tokio::time::timeout(PATIENCE, was_closed.recv()).await.expect("the connection ends").unwrap();
}

#[tokio::test]
async fn an_endpoint_without_tls_is_spoken_to_as_ever() {
    let mut receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let transport = Transport { http2: true, ..Transport::default() };
    let options = by(transport);
    let destination = destination_with(&outbound(settings(AMPLE)), &receiver.url(), bearer(), options);
    assert_delivered(&deliver(&*destination).await);
    assert!(receiver.next_request().await.starts_with("POST /hook HTTP/1.1\r\n"));
}
