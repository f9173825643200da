//! Receivers that let nobody in without a certificate, whom only a private authority vouches for, and that speak HTTP/2;
//! and a server whose way out is a proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::outgoing_bytes::{Role, Wiretap};
use crate::receiver::{PATIENCE, Receiver};
use crate::server::Server;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for a name, and its key.
    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// `localhost` by this authority, which lets in whom `clients` has given a certificate, and offers HTTP/2 only.
    fn acceptor(&self, clients: &Self) -> TlsAcceptor {
        let (certificate, key) = self.issue("localhost");
        let mut roots = RootCertStore::empty();
        roots.add(clients.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let roots = Arc::new(roots);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build().unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A receiver of events over HTTP/2.
struct SecureReceiver {
    port: u16,
    events: mpsc::UnboundedReceiver<Value>,
    connections: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl SecureReceiver {
    async fn start(acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, events) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut serving = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                serving.spawn(serve(socket, acceptor.clone(), Arc::clone(&counter), sender.clone()));
            }
        });
        Self { port, events, connections, _tasks: tasks }
    }

    async fn next(&mut self) -> Value {
        tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("an event arrives").unwrap()
    }
}

async fn serve(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    connections: Arc<AtomicUsize>,
    events: mpsc::UnboundedSender<Value>,
) {
    // Who has no certificate gets no further.
    let Ok(stream) = acceptor.accept(socket).await else { return };
    connections.fetch_add(1, Ordering::SeqCst);
    let mut connection = h2::server::Builder::new().handshake::<_, Bytes>(stream).await.unwrap();
    let mut requests = JoinSet::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let events = events.clone();
        requests.spawn(async move {
            let mut body = request.into_body();
            let mut bytes = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                bytes.extend_from_slice(&data);
                body.flow_control().release_capacity(data.len()).unwrap();
            }
            let _gone = respond.send_response(http::Response::builder().status(204).body(()).unwrap(), true);
            let _test_is_over = events.send(serde_json::from_slice(&bytes).unwrap());
        });
    }
}

async fn create_stream(server: &Server, port: u16, headwater: Value) -> String {
    let body = json!({
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": format!("https://localhost:{port}/in"),
            "webhook_authorization": {"method": "bearer", "token": "receiver-token"}}},
        "headwater": headwater,
    });
    let (status, stream) = server.call("POST", "event-streams", Some(body)).await;
    assert_eq!(status, 201, "{stream}");
    stream["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_behind_mutual_tls_gets_its_events_over_http2() {
    let server = Server::start().await;
    let (servers, clients) = (Authority::new(), Authority::new());
    let mut receiver = SecureReceiver::start(servers.acceptor(&clients)).await;
    let (certificate, key) = clients.issue("headwater.example");
    let ca = servers.0.pem();
    let tls = json!({"client_certificate": certificate.pem(), "client_key": key.serialize_pem(), "ca": ca});
    create_stream(&server, receiver.port, json!({"tls": tls, "http2": true})).await;
    let stranger =
        create_stream(&server, receiver.port, json!({"tls": {"ca": ca}, "http2": true, "retry": {"delays_s": []}}))
            .await;
    let distrustful = create_stream(
        &server,
        receiver.port,
        json!({"tls": tls_without_ca(&tls), "http2": true, "retry": {"delays_s": []}}),
    )
    .await;
    for name in ["jane", "joe", "jim"] {
        server.create_user(name).await;
        assert_eq!(receiver.next().await["data"]["object"]["email"], format!("{name}@example.com"));
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 1, "the requests share a connection");
    for (stream, reason) in [(stranger, ""), (distrustful, "certificate not trusted: it is signed by")] {
        let failed = |answer: &Value| answer["deliveries"].as_array().is_some_and(|failed| failed.len() == 3);
        let failures = server.until(&format!("event-streams/{stream}/deliveries"), "all have failed", failed).await;
        let message = failures["deliveries"][0]["attempts"][0]["error_message"].as_str().unwrap();
        assert!(message.starts_with(reason), "{message}");
    }
}

fn tls_without_ca(tls: &Value) -> Value {
    let mut tls = tls.clone();
    tls.as_object_mut().unwrap().remove("ca");
    tls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_sends_goes_through_its_proxy() {
    let proxy = Wiretap::start(Role::Proxy).await;
    let named = format!("http://jane:proxy-password@127.0.0.1:{}", proxy.port());
    let settings = [("HEADWATER_OUTBOUND_PROXY", named.as_str())];
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    let receiver = Receiver::start().await;
    server.create_stream(&format!("http://{}/in", receiver.address), &["user.created"]).await;
    server.create_user("jane").await;
    receiver.wait_for(1).await;
    let heard = proxy.heard("\"type\":\"user.created\"").await;
    assert!(heard.starts_with(format!("CONNECT {} HTTP/1.1\r\n", receiver.address).as_bytes()));
}
