//! A stream's own certificate and authority, and what happens when one of them cannot be used.

use std::time::Duration;

use delivery::outbound::{Outbound, OutboundSettings};
use domain::certificate::{Certificates, PrivateKey};
use domain::delivery::{FailureKind, Outcome};
use domain::stream::StreamOptions;
use domain::transport::{ClientIdentity, Tls, Transport};

use super::authority::Authority;
use super::fixture::{
    AMPLE, Receiver, TestClock, assert_delivered, assert_failed, bearer, by, deliver, destination_with, failure,
    outbound, settings,
};

const VALID: (i32, i32) = (2020, 2036);

fn url(receiver: &Receiver) -> String {
    format!("https://localhost:{}/hook", receiver.address.port())
}

fn with(tls: Tls) -> StreamOptions {
    by(Transport { tls, ..Transport::default() })
}

async fn delivered(settings: OutboundSettings, receiver: &Receiver, tls: Tls) -> Outcome {
    deliver(&*destination_with(&outbound(settings), &url(receiver), bearer(), with(tls))).await
}

#[tokio::test]
async fn a_receiver_that_wants_to_know_who_we_are_is_shown_the_streams_certificate() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let mut receiver = servers.receiver_behind(servers.acceptor("localhost", &[], Some(&clients))).await;
    let client = Some(clients.client(VALID));
    assert_delivered(&delivered(servers.trusted(), &receiver, Tls { client, ca: None }).await);
    receiver.next_request().await;

    let without = failure(delivered(servers.trusted(), &receiver, Tls::default()).await);
    assert_eq!(without.kind, FailureKind::Unreachable, "{}", without.message);
    let strangers = Some(Authority::new().client(VALID));
    let with_another = failure(delivered(servers.trusted(), &receiver, Tls { client: strangers, ca: None }).await);
    assert_eq!(with_another.kind, FailureKind::Unreachable, "{}", with_another.message);
    assert!(receiver.nothing_arrived());
}

#[tokio::test]
async fn a_receiver_that_does_not_ask_is_shown_nothing() {
    let servers = Authority::new();
    let mut receiver = servers.receiver("localhost").await;
    let client = Some(Authority::new().client(VALID));
    assert_delivered(&delivered(servers.trusted(), &receiver, Tls { client, ca: None }).await);
    receiver.next_request().await;
}

#[tokio::test]
async fn a_streams_own_authority_is_the_only_one_it_trusts() {
    let (own, operators) = (Authority::new(), Authority::new());
    let ca = Some(own.certificates());
    let mut mine = own.receiver("localhost").await;
    assert_delivered(&delivered(operators.trusted(), &mine, Tls { client: None, ca: ca.clone() }).await);
    mine.next_request().await;

    let mut usual = operators.receiver("localhost").await;
    let refused = failure(delivered(operators.trusted(), &usual, Tls { client: None, ca }).await);
    assert_eq!(refused.kind, FailureKind::Unreachable);
    assert!(refused.message.starts_with("certificate not trusted: "), "{}", refused.message);
    assert!(usual.nothing_arrived());
    assert_delivered(&delivered(operators.trusted(), &usual, Tls::default()).await);
}

#[tokio::test]
async fn what_cannot_be_honoured_is_not_sent_without() {
    let authority = Authority::new();
    let receiver = authority.receiver("localhost").await;
    let [one, other] = [authority.client(VALID), authority.client(VALID)];
    let garbage = PrivateKey::parse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").unwrap();
    let mismatched = ClientIdentity { key: other.key, ..one.clone() };
    let unreadable = ClientIdentity { key: garbage, ..one };
    for (client, message) in [
        (mismatched, "the client key does not belong to the client certificate".to_owned()),
        (unreadable, "the client key cannot be used".to_owned()),
        (
            authority.client((2020, 2026)),
            "the client certificate cannot be used: it has expired at 2026-01-01T00:00:00.000Z".to_owned(),
        ),
        (
            authority.client((2027, 2036)),
            "the client certificate cannot be used: it is not valid before 2027-01-01T00:00:00.000Z".to_owned(),
        ),
    ] {
        let outcome = delivered(authority.trusted(), &receiver, Tls { client: Some(client), ca: None }).await;
        assert_failed(outcome, FailureKind::Refused, &message);
    }
    let leaf = authority.client(VALID).certificate;
    let broken = leaf.as_str().replacen("MII", "MIJ", 1);
    assert!(Certificates::parse(&broken).is_err(), "what is no certificate does not get so far");
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn an_http_endpoint_and_a_client_certificate_exclude_each_other() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let tls = Tls { client: Some(Authority::new().client(VALID)), ca: None };
    let destination = destination_with(&outbound(settings(AMPLE)), &receiver.url(), bearer(), with(tls));
    let message = "a client certificate is set, and an http endpoint asks for none";
    assert_failed(deliver(&*destination).await, FailureKind::Refused, message);
    assert_eq!(receiver.accepted(), 0);
}

#[tokio::test]
async fn a_certificate_that_expires_while_the_stream_delivers_ends_its_sending() {
    // The tests' wall clock stands on 2026-01-16; the connection's age ends, not the clock.
    let authority = Authority::new();
    let receiver = authority.receiver("localhost").await;
    let clock = TestClock::new();
    let limits = OutboundSettings { connection_age_max: Duration::from_secs(60), ..authority.trusted() };
    let outbound = Outbound::new(limits, clock.clone()).unwrap();
    let tls = Tls { client: Some(authority.client((2020, 2027))), ca: None };
    let destination = destination_with(&outbound, &url(&receiver), bearer(), with(tls));
    assert_delivered(&deliver(&*destination).await);
    clock.skip_wall(Duration::from_hours(24 * 365));
    clock.skip(Duration::from_secs(60));
    let expired = failure(deliver(&*destination).await);
    assert_eq!(expired.kind, FailureKind::Refused);
    assert!(expired.message.contains("it has expired at 2027-01-01"), "{}", expired.message);
    assert_eq!(receiver.accepted(), 1);
}
