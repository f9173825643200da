//! Certificates and handshakes.

use delivery::outbound::{OutboundError, roots_from_pem};
use domain::delivery::FailureKind;

use super::authority::Authority;
use super::fixture::{
    AMPLE, Receiver, SHORT, assert_delivered, assert_failed, assert_timed_out, bearer, deliver, destination, outbound,
    settings,
};

fn url(receiver: &Receiver, host: &str) -> String {
    format!("https://{host}:{}/hook", receiver.address.port())
}

#[tokio::test]
async fn an_extra_root_is_trusted_and_its_connections_are_used_again() {
    let authority = Authority::new();
    for host in ["localhost", "127.0.0.1"] {
        let mut receiver = authority.receiver(host).await;
        let outbound = outbound(authority.trusted());
        let destination = destination(&outbound, &url(&receiver, host), bearer());
        for _ in 0..3 {
            assert_delivered(&deliver(&*destination).await);
            let request = receiver.next_request().await;
            assert!(request.contains(&format!("host: {host}:{}\r\n", receiver.address.port())), "{request}");
        }
        assert_eq!(receiver.accepted(), 1);
    }
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let mut receiver = Authority::new().receiver("localhost").await;
    // The other authority has the same name, as one that was made anew would.
    for (settings, reason) in [
        (settings(AMPLE), "it is signed by an unknown authority (HEADWATER_EXTRA_CA can name it)"),
        (
            Authority::new().trusted(),
            "its signature is not by the authority of that name that is known (HEADWATER_EXTRA_CA may name an older one)",
        ),
    ] {
        let outcome = deliver(&*destination(&outbound(settings), &url(&receiver, "localhost"), bearer())).await;
        assert_failed(outcome, FailureKind::Unreachable, &format!("certificate not trusted: {reason}"));
    }
    assert!(receiver.nothing_arrived());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let authority = Authority::new();
    let receiver = authority.receiver("elsewhere.example").await;
    for host in ["localhost", "127.0.0.1"] {
        let outcome = deliver(&*destination(&outbound(authority.trusted()), &url(&receiver, host), bearer())).await;
        let message = "certificate not trusted: it is not for this host name";
        assert_failed(outcome, FailureKind::Unreachable, message);
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_is_a_timeout() {
    let mut receiver = Receiver::start(|mut conversation| async move { conversation.until_closed().await }).await;
    let outbound = outbound(settings(SHORT));
    let outcome = deliver(&*destination(&outbound, &url(&receiver, "127.0.0.1"), bearer())).await;
    assert_timed_out(outcome, "TLS handshake not finished within 300ms");
    receiver.closed().await;
}

#[tokio::test]
async fn a_receiver_without_tls_is_unreachable() {
    for words in ["", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let receiver = Receiver::start(move |mut conversation| async move {
            conversation.read_some().await;
            conversation.write(words).await;
        })
        .await;
        let outbound = outbound(settings(AMPLE));
        let outcome = deliver(&*destination(&outbound, &url(&receiver, "127.0.0.1"), bearer())).await;
        let failure = super::fixture::failure(outcome);
        assert_eq!(failure.kind, FailureKind::Unreachable);
        assert!(failure.message.contains("TLS"), "{}", failure.message);
    }
}

#[test]
fn a_file_without_certificates_is_an_error() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        assert!(matches!(roots_from_pem(pem.as_bytes()), Err(OutboundError::Pem)), "{pem:?}");
    }
}
