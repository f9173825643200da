//! Addresses that may not be connected to, however they are written.

use delivery::outbound::OutboundSettings;
use domain::delivery::FailureKind;

use super::fixture::{
    AMPLE, Receiver, assert_delivered, bearer, deliver, deliver_to, destination, failure, outbound, settings,
};

const OK: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn loopback_is_refused_in_every_spelling() {
    let receiver = Receiver::answering(OK).await;
    let outbound = outbound(OutboundSettings::default());
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "１２７.0.0.1",
    ] {
        let url = format!("http://{host}:{}/", receiver.address.port());
        let failure = failure(deliver(&*destination(&outbound, &url, bearer())).await);
        assert_eq!(failure.kind, FailureKind::Refused, "{host}: {}", failure.message);
    }
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (host, message) in [
        (
            "10.0.0.5",
            "destination address 10.0.0.5 is not allowed: private network (HEADWATER_ALLOW_DESTINATIONS can allow it)",
        ),
        ("169.254.169.254", "destination address 169.254.169.254 is not allowed: cloud metadata, which nothing allows"),
    ] {
        assert_eq!(failure(deliver_to(&format!("http://{host}/"), AMPLE).await).message, message);
    }
}

#[tokio::test]
async fn an_allowed_address_is_reached_by_literal_by_name_and_in_mapped_form() {
    let receiver = Receiver::answering(OK).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{}/", receiver.address.port());
        assert_delivered(&deliver_to(&url, AMPLE).await);
    }
    assert_eq!(receiver.accepted(), 3);
}

#[tokio::test]
async fn only_what_the_entry_names_is_allowed() {
    let receiver = Receiver::answering(OK).await;
    let allow = vec!["127.0.0.2/32".parse().unwrap()];
    let outbound = outbound(OutboundSettings { allow, ..settings(AMPLE) });
    let failure = failure(deliver(&*destination(&outbound, &receiver.url(), bearer())).await);
    assert_eq!(failure.kind, FailureKind::Refused);
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unreachable() {
    let failure = failure(deliver_to("http://no-such-name.invalid/", AMPLE).await);
    assert_eq!(failure.kind, FailureKind::Unreachable);
    assert!(failure.message.starts_with("name no-such-name.invalid could not be resolved: "), "{}", failure.message);
}
