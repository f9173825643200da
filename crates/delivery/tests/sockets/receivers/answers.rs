//! Answers of every kind: the status line decides, and no receiver can hold an attempt longer than its time.

use std::time::Duration;

use delivery::outbound::OutboundSettings;
use domain::delivery::{FailureKind, Outcome};

use super::fixture::{
    AMPLE, Receiver, SHORT, assert_delivered, assert_failed, assert_timed_out, bearer, deliver, deliver_to,
    destination, failure, outbound, settings,
};

async fn answered_with(answer: &str) -> Outcome {
    let receiver = Receiver::answering_once(answer).await;
    deliver_to(&receiver.url(), AMPLE).await
}

const fn status(status: u16, retry_after_s: Option<u64>) -> FailureKind {
    let retry_after = match retry_after_s {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => None,
    };
    FailureKind::Status { status, retry_after }
}

#[tokio::test]
async fn every_2xx_is_a_success_and_nothing_else() {
    for code in [200, 201, 202, 204, 206, 299] {
        assert_delivered(&answered_with(&format!("HTTP/1.1 {code} Whatever\r\ncontent-length: 0\r\n\r\n")).await);
    }
    for (code, message) in [
        (304, "the server answered 304 Not Modified"),
        (400, "the server answered 400 Bad Request"),
        (429, "the server answered 429 Too Many Requests"),
        (503, "the server answered 503 Service Unavailable"),
        (599, "the server answered 599"),
    ] {
        let outcome = answered_with(&format!("HTTP/1.1 {code} Whatever\r\ncontent-length: 0\r\n\r\n")).await;
        assert_failed(outcome, status(code, None), message);
    }
}

#[tokio::test]
async fn informational_answers_are_passed_over() {
    let outcome = answered_with("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_delivered(&outcome);
}

#[tokio::test]
async fn a_failure_carries_retry_after_and_the_answer_without_control_characters_and_secrets() {
    let body = "overloaded:\n\u{1b}[31mBearer s3cret-token";
    let head = "HTTP/1.1 503 Busy\r\nretry-after: Fri, 16 Jan 2026 08:51:03 GMT\r\n";
    let failure = failure(answered_with(&format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await);
    assert_eq!(failure.kind, status(503, Some(30)));
    assert_eq!(failure.answer.as_deref(), Some("overloaded:  [31mBearer ***"));
}

#[tokio::test]
async fn at_most_a_kilobyte_of_a_failure_is_kept() {
    let body = "é".repeat(4000);
    let failure =
        failure(answered_with(&format!("HTTP/1.1 500 No\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await);
    assert_eq!(failure.answer, Some("é".repeat(512)));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let private = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for code in [301, 302, 303, 307, 308] {
        let location = format!("http://user:pw@{}/x?token=hidden#f", private.address);
        let outcome =
            answered_with(&format!("HTTP/1.1 {code} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")).await;
        let failure = failure(outcome);
        assert_eq!(failure.kind, status(code, None));
        let ending = format!("; redirect to http://{}/x not followed", private.address);
        assert!(failure.message.ends_with(&ending), "{}", failure.message);
    }
    assert_eq!(private.accepted(), 0);
}

#[tokio::test]
async fn a_receiver_that_hangs_is_a_timeout() {
    let mut receiver = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        conversation.until_closed().await;
    })
    .await;
    assert_timed_out(deliver_to(&receiver.url(), SHORT).await, "no answer within 300ms");
    receiver.closed().await;
}

#[tokio::test]
async fn a_head_that_trickles_is_a_timeout() {
    let mut receiver = Receiver::start(|mut conversation| async move {
        conversation.request().await;
        conversation.trickle("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nserver: a very slow one\r\n\r\n").await;
    })
    .await;
    assert_timed_out(deliver_to(&receiver.url(), SHORT).await, "no answer within 300ms");
    receiver.closed().await;
}

#[tokio::test]
async fn a_body_that_trickles_costs_the_connection_but_not_the_status() {
    let attempt_ends = settings(SHORT);
    let body_time_ends = OutboundSettings { answer_body_timeout: SHORT, ..settings(AMPLE) };
    for settings in [attempt_ends, body_time_ends] {
        for (head, delivered) in [("HTTP/1.1 200 OK", true), ("HTTP/1.1 500 No", false)] {
            let mut receiver = Receiver::start(move |mut conversation| async move {
                conversation.request().await;
                conversation.write(&format!("{head}\r\ncontent-length: 1000\r\n\r\nhi")).await;
                conversation.trickle(&"!".repeat(998)).await;
            })
            .await;
            let outbound = outbound(settings.clone());
            let duration = match deliver(&*destination(&outbound, &receiver.url(), bearer())).await {
                Outcome::Delivered { duration } => {
                    assert!(delivered);
                    duration
                }
                Outcome::FilteredOut => panic!("the stream has no filter"),
                Outcome::Failed(failure) => {
                    assert!(!delivered, "{failure:?}");
                    assert_eq!(failure.kind, status(500, None));
                    assert!(failure.answer.is_some_and(|answer| answer.starts_with("hi") && answer.len() < 500));
                    failure.duration
                }
            };
            assert!(duration >= SHORT && duration < SHORT * 10, "{duration:?}");
            receiver.closed().await;
        }
    }
}

#[tokio::test]
async fn a_connection_that_closes_in_the_head_is_unreachable() {
    for head in ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let receiver = Receiver::answering_once(head).await;
        let outcome = deliver_to(&receiver.url(), AMPLE).await;
        assert_failed(outcome, FailureKind::Unreachable, "connection closed before the answer");
        assert_eq!(receiver.accepted(), 1, "a fresh connection is not retried within the attempt");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_or_garbled_leaves_the_status_to_decide() {
    for body in [
        "content-length: 10\r\n\r\nhalf",
        "transfer-encoding: chunked\r\n\r\nZZ\r\nhalf\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhalf",
    ] {
        assert_delivered(&answered_with(&format!("HTTP/1.1 200 OK\r\n{body}")).await);
        let failure = failure(answered_with(&format!("HTTP/1.1 502 Bad\r\n{body}")).await);
        assert_eq!(failure.kind, status(502, None));
    }
}

#[tokio::test]
async fn a_reset_is_unreachable() {
    let receiver = Receiver::start(|mut conversation| async move {
        // Closing with unread bytes in the buffer resets the connection.
        conversation.read_some().await;
    })
    .await;
    let failure = failure(deliver_to(&receiver.url(), AMPLE).await);
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(["connection reset", "connection closed before the answer"].contains(&&*failure.message));
}

#[tokio::test]
async fn nobody_listens() {
    // Bound and let go of, so that the port is free.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let outcome = deliver_to(&format!("http://{address}/"), AMPLE).await;
    assert_failed(outcome, FailureKind::Unreachable, "connection refused");
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    for (head, delivered) in [("HTTP/1.1 200 OK", true), ("HTTP/1.1 400 No", false)] {
        let mut receiver = Receiver::start(move |mut conversation| async move {
            conversation.request().await;
            conversation.write(&format!("{head}\r\ncontent-length: 1000000000\r\n\r\n")).await;
            conversation.write_endlessly(&"x".repeat(16 * 1024)).await;
        })
        .await;
        let outcome = deliver_to(&receiver.url(), AMPLE).await;
        if delivered {
            assert_delivered(&outcome);
        } else {
            assert_eq!(failure(outcome).answer, Some("x".repeat(1024)));
        }
        let written = receiver.closed().await;
        assert!(written < 10_000_000, "{written} bytes of it were taken in, by the sockets' buffers or by us");
    }
}

#[tokio::test]
async fn endless_headers_chunks_and_informational_answers_are_cut_off() {
    for (start, endless, decided) in [
        ("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n", false),
        ("HTTP/1.1 200 OK\r\nx-more: ", "and more", false),
        ("", "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n", false),
        ("", "\r\n", false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "extension", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x-trailer: and more\r\n", true),
    ] {
        let mut receiver = Receiver::start(move |mut conversation| async move {
            conversation.request().await;
            conversation.write(start).await;
            conversation.write_endlessly(&endless.repeat(1000)).await;
        })
        .await;
        let outcome = deliver_to(&receiver.url(), AMPLE).await;
        if decided {
            assert_delivered(&outcome);
        } else {
            let failure = failure(outcome);
            assert_eq!(failure.kind, FailureKind::Unreachable, "{endless:?}: {}", failure.message);
            assert!(failure.duration < AMPLE / 2, "it is its length that ends it: {:?}", failure.duration);
        }
        let written = receiver.closed().await;
        assert!(written < 10_000_000, "{endless:?}: {written} bytes");
    }
}

#[tokio::test]
async fn garbage_is_not_an_answer() {
    for garbage in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}\r\n\r\n", "<html>hello</html>\r\n\r\n"] {
        let failure = failure(answered_with(garbage).await);
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert!(failure.message.starts_with("the answer is not acceptable HTTP/1.1: "), "{}", failure.message);
    }
}

#[tokio::test]
async fn an_answer_before_the_request_was_read_counts() {
    let receiver = Receiver::start(|mut conversation| async move {
        conversation.read_some().await;
        conversation.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").await;
        conversation.until_closed().await;
    })
    .await;
    let outcome = deliver_to(&receiver.url(), AMPLE).await;
    assert_failed(outcome, status(413, None), "the server answered 413 Payload Too Large");
}
