//! Through a proxy: what it is asked, what it cannot see, and what is checked although it resolves the names.

use delivery::outbound::OutboundSettings;
use domain::delivery::{FailureKind, Outcome};
use domain::proxy::Proxy;
use domain::stream::StreamOptions;
use domain::transport::Transport;
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::TcpStream;

use super::authority::Authority;
use super::fixture::{
    AMPLE, Conversation, Receiver, SHORT, assert_delivered, assert_failed, assert_timed_out, bearer, by, deliver,
    destination, destination_with, failure, outbound, settings,
};

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A proxy that makes tunnels to a port of loopback, whatever name it is asked for.
async fn proxy() -> Receiver {
    Receiver::start(|mut conversation| async move {
        let Some(head) = head(&mut conversation).await else { return };
        let authority = head.split(' ').nth(1).unwrap();
        let port = authority.rsplit(':').next().unwrap().parse().unwrap();
        conversation.record(&head);
        #[expect(clippy::disallowed_methods, reason = "a proxy connects to what it is asked for")]
        let mut target = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        conversation.write(ESTABLISHED).await;
        let _ended = copy_bidirectional(&mut conversation.stream, &mut target).await;
    })
    .await
}

async fn head(conversation: &mut Conversation) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(conversation.stream.read_u8().await.ok()?);
    }
    String::from_utf8(bytes).ok()
}

fn at(receiver: &Receiver, user: &str) -> Proxy {
    Proxy::parse(&format!("http://{user}{}", receiver.address), None).unwrap()
}

fn through(proxy: Proxy) -> StreamOptions {
    by(Transport { proxy: Some(proxy), ..Transport::default() })
}

/// Delivers through a proxy of the server's, which says nothing about what else is allowed.
async fn through_the_servers(proxy: &Receiver, url: &str, more: OutboundSettings) -> Outcome {
    let outbound = outbound(OutboundSettings { proxy: Some(at(proxy, "")), ..more });
    deliver(&*destination(&outbound, url, bearer())).await
}

#[tokio::test]
async fn a_proxy_resolves_the_name_and_sees_nothing_of_the_request() {
    let authority = Authority::new();
    let mut receiver = authority.receiver("hooks.invalid").await;
    let mut proxy = proxy().await;
    let outbound = outbound(authority.trusted());
    let url = format!("https://hooks.invalid:{}/hook", receiver.address.port());
    let destination = destination_with(&outbound, &url, bearer(), through(at(&proxy, "jane:s3cret@")));
    for _ in 0..3 {
        assert_delivered(&deliver(&*destination).await);
        let request = receiver.next_request().await;
        assert!(request.contains("authorization: Bearer s3cret-token\r\n"), "{request}");
        assert!(!request.contains("proxy-authorization"), "{request}");
    }
    let asked = proxy.next_request().await;
    let port = receiver.address.port();
    assert_eq!(
        asked,
        format!(
            "CONNECT hooks.invalid:{port} HTTP/1.1\r\nhost: hooks.invalid:{port}\r\nuser-agent: headwater/{}\r\n\
             proxy-authorization: Basic amFuZTpzM2NyZXQ=\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    assert_eq!((proxy.accepted(), receiver.accepted()), (1, 1), "the tunnel is used again");
}

#[tokio::test]
async fn an_http_endpoint_goes_through_a_tunnel_too() {
    let mut receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let proxy = proxy().await;
    let outcome = through_the_servers(&proxy, &receiver.url(), settings(AMPLE)).await;
    assert_delivered(&outcome);
    assert!(receiver.next_request().await.starts_with("POST /hook HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_streams_own_proxy_is_used_instead_of_the_servers() {
    let receiver = Receiver::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let (servers, own) = (proxy().await, proxy().await);
    let outbound = outbound(OutboundSettings { proxy: Some(at(&servers, "")), ..settings(AMPLE) });
    let destination = destination_with(&outbound, &receiver.url(), bearer(), through(at(&own, "")));
    assert_delivered(&deliver(&*destination).await);
    assert_eq!((servers.accepted(), own.accepted()), (0, 1));
}

#[tokio::test]
async fn the_address_of_a_streams_proxy_is_checked_like_any_other() {
    let proxy = proxy().await;
    let outbound = outbound(OutboundSettings::default());
    let destination = destination_with(&outbound, "https://hooks.example/", bearer(), through(at(&proxy, "")));
    let message = "proxy address 127.0.0.1 is not allowed: loopback (HEADWATER_ALLOW_DESTINATIONS can allow it)";
    assert_failed(deliver(&*destination).await, FailureKind::Refused, message);
    assert_eq!(proxy.accepted(), 0);
}

#[tokio::test]
async fn literal_addresses_and_names_of_metadata_are_refused_through_a_proxy_too() {
    let proxy = proxy().await;
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::ffff:10.0.0.5]",
        "[64:ff9b::a00:5]",
        "10.0.0.5",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "localhost",
        "app.localhost",
        "metadata.google.internal",
        "metadata.google.internal.",
        "instance-data.ec2.internal",
    ] {
        let outcome = through_the_servers(&proxy, &format!("http://{host}/"), OutboundSettings::default()).await;
        let failure = failure(outcome);
        assert_eq!(failure.kind, FailureKind::Refused, "{host}: {}", failure.message);
    }
    assert_eq!(proxy.accepted(), 0);
}

#[tokio::test]
async fn a_proxy_that_misbehaves_is_a_failure_that_names_it() {
    for (answer, message) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407 to CONNECT"),
        ("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "the proxy sent more than an answer to CONNECT"),
        ("nonsense\r\n\r\n", "the proxy's answer to CONNECT is not HTTP/1.1"),
        ("HTTP/1.1 2", "the proxy closed the connection"),
    ] {
        let proxy = Receiver::start(move |mut conversation| async move {
            head(&mut conversation).await;
            conversation.write(answer).await;
        })
        .await;
        let outcome = through_the_servers(&proxy, "http://hooks.example/", settings(AMPLE)).await;
        assert_failed(outcome, FailureKind::Unreachable, message);
    }
    let mut endless = Receiver::start(|mut conversation| async move {
        head(&mut conversation).await;
        conversation.write("HTTP/1.1 200 OK\r\n").await;
        conversation.write_endlessly(&"x-more: and more\r\n".repeat(1000)).await;
    })
    .await;
    let outcome = through_the_servers(&endless, "http://hooks.example/", settings(AMPLE)).await;
    assert_failed(outcome, FailureKind::Unreachable, "the proxy's answer to CONNECT is too long");
    assert!(endless.closed().await < 10_000_000);

    let silent = Receiver::start(|mut conversation| async move { conversation.until_closed().await }).await;
    let outcome = through_the_servers(&silent, "http://hooks.example/", settings(SHORT)).await;
    assert_timed_out(outcome, "no tunnel from the proxy within 300ms");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Some(Proxy::parse(&format!("http://{nobody}"), None).unwrap());
    let outbound = outbound(OutboundSettings { proxy, ..settings(AMPLE) });
    let outcome = deliver(&*destination(&outbound, "http://hooks.example/", bearer())).await;
    assert_failed(outcome, FailureKind::Unreachable, "proxy: connection refused");
}
