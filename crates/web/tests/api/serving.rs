//! Real sockets: peers, draining, limits.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use web::{PeerAddress, serve};

const SOON: Duration = Duration::from_secs(10);

struct Serving {
    address: std::net::SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

async fn start(router: Router, drain_max: Duration) -> Serving {
    start_with(None, router, drain_max).await
}

async fn start_with(tls: Option<Arc<ServerConfig>>, router: Router, drain_max: Duration) -> Serving {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(serve(listener, tls, router, shutdown.clone(), drain_max));
    Serving { address, shutdown, task }
}

async fn ask(serving: &Serving, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    stream
}

async fn read_to_end(mut stream: TcpStream) -> String {
    let mut text = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

/// A router whose `/slow` says that it has begun, and ends when it may.
fn slow() -> (Router, watch::Receiver<bool>, watch::Sender<bool>) {
    let (begun, has_begun) = watch::channel(false);
    let (may_end, ending) = watch::channel(false);
    let handler = move || async move {
        begun.send_replace(true);
        ending.clone().wait_for(|may_end| *may_end).await.unwrap();
        "done"
    };
    (Router::new().route("/slow", get(handler)), has_begun, may_end)
}

#[tokio::test]
async fn handlers_see_the_peer() {
    let handler = |Extension(peer): Extension<PeerAddress>| async move { peer.0.to_string() };
    let serving = start(Router::new().route("/", get(handler)), SOON).await;
    let mut stream = ask(&serving, "/").await;
    let mine = stream.local_addr().unwrap().to_string();
    let mut answer = String::new();
    while !answer.contains(&mine) {
        let mut bytes = [0; 1024];
        let read = tokio::time::timeout(SOON, stream.read(&mut bytes)).await.unwrap().unwrap();
        assert!(read > 0, "the connection ended after {answer:?}");
        answer.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    serving.shutdown.cancel();
    tokio::time::timeout(SOON, serving.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_in_flight_are_answered_and_new_ones_not_accepted() {
    let (router, mut has_begun, may_end) = slow();
    let serving = start(router, SOON).await;
    // Connections are accepted in their order: once the second one is served, the first one is open.
    let idle = TcpStream::connect(serving.address).await.unwrap();
    let stream = ask(&serving, "/slow").await;
    has_begun.wait_for(|begun| *begun).await.unwrap();
    serving.shutdown.cancel();
    // The idle connection is closed at once: whoever reads it sees its end while the other is still served.
    assert_eq!(read_to_end(idle).await, "");
    may_end.send_replace(true);
    let answer = read_to_end(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("done"), "{answer}");
    tokio::time::timeout(SOON, serving.task).await.unwrap().unwrap();
    assert!(TcpStream::connect(serving.address).await.is_err());
}

#[tokio::test]
async fn draining_has_an_end() {
    let (router, mut has_begun, _may_end) = slow();
    let serving = start(router, Duration::from_millis(50)).await;
    let stream = ask(&serving, "/slow").await;
    has_begun.wait_for(|begun| *begun).await.unwrap();
    serving.shutdown.cancel();
    tokio::time::timeout(SOON, serving.task).await.unwrap().unwrap();
    assert_eq!(read_to_end(stream).await, "");
}

#[tokio::test]
async fn https_is_served_and_a_peer_that_does_not_speak_it_harms_nobody() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let router = Router::new().route("/", get(|| async { "over TLS" }));
    let serving = start_with(Some(Arc::new(config)), router, SOON).await;

    // One says nothing, another speaks plain HTTP.
    let silent = TcpStream::connect(serving.address).await.unwrap();
    let plain = ask(&serving, "/").await;

    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(serving.address).await.unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream);
    let mut stream = tokio::time::timeout(SOON, connecting).await.unwrap().unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(b"over TLS"));

    let mut refused = Vec::new();
    let mut plain = plain;
    // Whether it ends in an alert or a reset, it ends without an answer.
    let _ = tokio::time::timeout(SOON, plain.read_to_end(&mut refused)).await.unwrap();
    assert!(!refused.starts_with(b"HTTP"));
    serving.shutdown.cancel();
    tokio::time::timeout(SOON, serving.task).await.unwrap().unwrap();
    drop(silent);
}
