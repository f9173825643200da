//! Which connections are used again, by whom, and for how long.

use std::sync::Arc;
use std::time::Duration;

use delivery::outbound::{Outbound, OutboundSettings};
use tokio::task::JoinSet;

use super::fixture::{
    AMPLE, Conversation, Receiver, TestClock, assert_delivered, bearer, deliver, destination, failure, outbound,
    settings,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_connection_is_used_again_after_every_complete_answer() {
    for answer in [
        OK,
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\nnope",
    ] {
        let receiver = Receiver::answering(answer).await;
        let outbound = outbound(settings(AMPLE));
        let destination = destination(&outbound, &receiver.url(), bearer());
        for _ in 0..20 {
            deliver(&*destination).await;
        }
        assert_eq!(receiver.accepted(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn parallel_deliveries_reuse_as_many_connections_as_they_need() {
    let receiver = Receiver::answering(OK).await;
    let outbound = outbound(settings(AMPLE));
    let destination = destination(&outbound, &receiver.url(), bearer());
    for _ in 0..10 {
        let mut deliveries = JoinSet::new();
        for _ in 0..8 {
            let destination = Arc::clone(&destination);
            deliveries.spawn(async move { assert_delivered(&deliver(&*destination).await) });
        }
        while let Some(done) = deliveries.join_next().await {
            done.unwrap();
        }
    }
    assert!((1..=8).contains(&receiver.accepted()), "{}", receiver.accepted());
}

#[tokio::test]
async fn a_connection_is_not_used_again_where_the_answer_says_so_or_goes_on() {
    let longer_than_read = format!("HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n{}", "x".repeat(20_000));
    for answer in [
        longer_than_read.as_str(),
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok, and a smuggled one",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ] {
        let receiver = Receiver::answering(answer).await;
        let outbound = outbound(settings(AMPLE));
        let destination = destination(&outbound, &receiver.url(), bearer());
        for _ in 0..3 {
            deliver(&*destination).await;
        }
        assert_eq!(receiver.accepted(), 3, "{answer:?}");
    }
}

#[tokio::test]
async fn a_connection_closed_between_requests_is_no_failure() {
    // The first connection ends after one answer; the others last.
    let mut receiver = Receiver::start(|mut conversation| async move {
        let last = if conversation.connection == 1 { 1 } else { usize::MAX };
        for _ in 0..last {
            if conversation.request().await.is_none() || !conversation.write(OK).await {
                return;
            }
        }
    })
    .await;
    let outbound = outbound(settings(AMPLE));
    let destination = destination(&outbound, &receiver.url(), bearer());
    for _ in 0..3 {
        assert_delivered(&deliver(&*destination).await);
        receiver.next_request().await;
    }
    assert_eq!(receiver.accepted(), 2);
}

/// Answers the first request; takes the second one and closes without a word, or after `parting`.
async fn deserting(mut conversation: Conversation, parting: &'static str) {
    conversation.request().await;
    conversation.write(OK).await;
    conversation.request().await;
    conversation.write(parting).await;
}

#[tokio::test]
async fn a_request_that_meets_a_closing_connection_is_sent_once_more() {
    // The receiver reads the second request before it closes, so the pool cannot have known.
    let mut receiver = Receiver::start(|conversation| deserting(conversation, "")).await;
    let outbound = outbound(settings(AMPLE));
    let destination = destination(&outbound, &receiver.url(), bearer());
    assert_delivered(&deliver(&*destination).await);
    assert_delivered(&deliver(&*destination).await);
    assert_eq!(receiver.accepted(), 2);
    for _ in 0..3 {
        receiver.next_request().await;
    }
}

#[tokio::test]
async fn a_request_whose_answer_has_begun_is_not_sent_once_more() {
    let receiver = Receiver::start(|conversation| deserting(conversation, "HTTP/1.1 20")).await;
    let outbound = outbound(settings(AMPLE));
    let destination = destination(&outbound, &receiver.url(), bearer());
    assert_delivered(&deliver(&*destination).await);
    assert_eq!(failure(deliver(&*destination).await).message, "connection closed before the answer");
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn streams_do_not_share_connections() {
    let receiver = Receiver::answering(OK).await;
    let outbound = outbound(settings(AMPLE));
    let one = destination(&outbound, &receiver.url(), bearer());
    let other = destination(&outbound, &receiver.url(), bearer());
    for _ in 0..3 {
        assert_delivered(&deliver(&*one).await);
        assert_delivered(&deliver(&*other).await);
    }
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn idle_connections_end() {
    let mut receiver = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        conversation.write(OK).await;
        conversation.until_closed().await;
    })
    .await;
    let clock = TestClock::new();
    let limits = OutboundSettings { idle_timeout: Duration::from_secs(60), ..settings(AMPLE) };
    let outbound = Outbound::new(limits, clock.clone()).unwrap();
    let destination = destination(&outbound, &receiver.url(), bearer());
    assert_delivered(&deliver(&*destination).await);
    assert_eq!(outbound.close_idle(), 0);
    clock.skip(Duration::from_secs(60));
    assert_eq!(outbound.close_idle(), 1);
    receiver.closed().await;
}

#[tokio::test]
async fn connections_do_not_last_for_ever() {
    let receiver = Receiver::answering(OK).await;
    let clock = TestClock::new();
    let limits = OutboundSettings { connection_age_max: Duration::from_secs(60), ..settings(AMPLE) };
    let outbound = Outbound::new(limits, clock.clone()).unwrap();
    let destination = destination(&outbound, &receiver.url(), bearer());
    for _ in 0..4 {
        assert_delivered(&deliver(&*destination).await);
        clock.skip(Duration::from_secs(20));
    }
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn no_more_connections_are_kept_than_allowed() {
    let receiver = Receiver::answering(OK).await;
    let outbound = outbound(OutboundSettings { idle_connections_max: 0, ..settings(AMPLE) });
    let destination = destination(&outbound, &receiver.url(), bearer());
    for _ in 0..3 {
        assert_delivered(&deliver(&*destination).await);
    }
    assert_eq!(receiver.accepted(), 3);
}

#[tokio::test]
async fn a_cancelled_attempt_closes_its_connection() {
    let mut receiver = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        conversation.until_closed().await;
    })
    .await;
    let outbound = outbound(settings(AMPLE));
    let destination = destination(&outbound, &receiver.url(), bearer());
    tokio::select! {
        outcome = deliver(&*destination) => panic!("{outcome:?}"),
        _request = receiver.next_request() => {}
    }
    receiver.closed().await;
}
