//! Every byte that goes out, looked at for secrets that do not belong there: those of other streams, of the tenant, of
//! the server, and of its environment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::receiver::PATIENCE;
use crate::server::{CLIENT_SECRET, Server};

const ANSWER: &str = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// What a wiretap does with what it hears.
#[derive(Clone)]
pub(crate) enum Role {
    /// It answers each request so.
    Answering(String),
    /// It makes the tunnels that it is asked for, and hears what goes through them.
    Proxy,
    /// It hears what comes first, and closes.
    Deaf,
}

/// Keeps every byte that is sent to it.
pub(crate) struct Wiretap {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
    more: Arc<Notify>,
    _tasks: JoinSet<()>,
}

impl Wiretap {
    pub(crate) async fn start(role: Role) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, more) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let ears = (Arc::clone(&heard), Arc::clone(&more));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(listen(socket, role.clone(), ears.clone()));
            }
        });
        Self { address, heard, more, _tasks: tasks }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was sent to it, once that contains `part`.
    pub(crate) async fn heard(&self, part: &str) -> Vec<u8> {
        let waiting = async {
            loop {
                let more = self.more.notified();
                let heard = self.heard.lock().unwrap().clone();
                if contains(&heard, part.as_bytes()) {
                    return heard;
                }
                more.await;
            }
        };
        let in_vain = || format!("{part:?} does not arrive: {}", String::from_utf8_lossy(&self.heard.lock().unwrap()));
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{}", in_vain()))
    }
}

async fn listen(mut socket: TcpStream, role: Role, (heard, more): (Arc<Mutex<Vec<u8>>>, Arc<Notify>)) {
    let keep = |bytes: &[u8]| {
        heard.lock().unwrap().extend_from_slice(bytes);
        more.notify_waiters();
    };
    let mut request = Vec::new();
    while !is_whole(&request) {
        let mut some = vec![0; 64 * 1024];
        match socket.read(&mut some).await {
            Ok(bytes) if bytes > 0 => {
                keep(&some[..bytes]);
                request.extend_from_slice(&some[..bytes]);
            }
            _ => return,
        }
        if matches!(role, Role::Deaf) {
            return;
        }
    }
    match role {
        Role::Deaf => {}
        Role::Answering(answer) => drop(socket.write_all(answer.as_bytes()).await),
        Role::Proxy => {
            let head = String::from_utf8_lossy(&request).into_owned();
            let port = head.split(' ').nth(1).unwrap().rsplit(':').next().unwrap().parse::<u16>().unwrap();
            #[expect(clippy::disallowed_methods, reason = "a proxy connects to what it is asked for")]
            let mut target = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            socket.write_all(ESTABLISHED.as_bytes()).await.unwrap();
            let ((mut from, mut to), (mut answers, mut requests)) = (socket.split(), target.split());
            let asking = async {
                let mut some = vec![0; 64 * 1024];
                while let Ok(bytes @ 1..) = from.read(&mut some).await {
                    keep(&some[..bytes]);
                    requests.write_all(&some[..bytes]).await.unwrap();
                }
            };
            let _ended = tokio::join!(asking, tokio::io::copy(&mut answers, &mut to));
        }
    }
}

/// Whether a request and its body are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A secret, and where it may go.
struct Planted {
    secret: String,
    only: &'static [&'static str],
}

fn planted(secret: &str, only: &'static [&'static str]) -> Planted {
    Planted { secret: secret.to_owned(), only }
}

/// The forms in which a secret could hide.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let reversed: String = secret.chars().rev().collect();
    let encoded = [STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret), hex, reversed, secret.to_owned()];
    let mut forms: Vec<Vec<u8>> = encoded.into_iter().map(String::into_bytes).collect();
    // What stands for bytes itself, such as a key in base64.
    forms.extend(STANDARD.decode(secret).ok());
    forms
}

const BEARER: &str = "bearer-token-4Zr81Vtq";
const PASSWORD: &str = "basic-password-Jm3Kx0wd";
const HEADER_VALUE: &str = "header-value-Pq7Yt2sb";
const PROXIED: &str = "proxied-token-Uc5Ne9gh";
const PROXY_PASSWORD: &str = "proxy-password-Lx6Wd1ra";
const SECURE: &str = "secure-token-Bv2Ho8ck";
const ENCRYPTED: &str = "encrypted-token-Ti4Sf7mz";
const SIGNED: &str = "signed-token-Yw3Xg6ek";
const SIGNING_SECRET: &str = "whsec_c2lnbmluZy1zZWNyZXQtb2YtYS1zdHJlYW0tMDEyMzQ=";
const ACTION_KEY: &str = "action-key-Ko8Zi4fu";
const ACTION_OTHER: &str = "action-other-Ax5Ml2tj";
const MASTER_KEY: &str = "aGVhZHdhdGVyLXN0b3JpZXMtbWFzdGVyLWtleS0wMTI=";
const ENVIRONMENT: &str = "environment-Qe9Rj3xl";
const CONNECTION_SECRET: &str = "connection-secret-Gy1Dp5vn";

fn webhook(endpoint: &str, authorization: &Value, headwater: &Value) -> Value {
    json!({
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "webhook", "configuration": {
            "webhook_endpoint": endpoint, "webhook_authorization": authorization}},
        "headwater": headwater,
    })
}

fn bearer(token: &str) -> Value {
    json!({"method": "bearer", "token": token})
}

struct Wiretaps {
    bearer: Wiretap,
    basic: Wiretap,
    custom: Wiretap,
    proxied: Wiretap,
    proxy: Wiretap,
    secure: Wiretap,
    encrypted: Wiretap,
    signed: Wiretap,
    fetched: Wiretap,
    keys: Wiretap,
}

impl Wiretaps {
    async fn start() -> Self {
        let answering = async || Wiretap::start(Role::Answering(ANSWER.to_owned())).await;
        let set = json!({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": "one",
            "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
            "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        }]})
        .to_string();
        let set = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{set}", set.len());
        Self {
            bearer: answering().await,
            basic: answering().await,
            custom: answering().await,
            proxied: answering().await,
            proxy: Wiretap::start(Role::Proxy).await,
            secure: Wiretap::start(Role::Deaf).await,
            encrypted: answering().await,
            signed: answering().await,
            fetched: answering().await,
            keys: Wiretap::start(Role::Answering(set)).await,
        }
    }

    /// The streams of the tenant, one to each.
    fn streams(&self, identity: &(String, String)) -> Vec<Value> {
        let at = |wiretap: &Wiretap| format!("http://127.0.0.1:{}/in", wiretap.port());
        let basic = json!({"method": "basic", "username": "jane", "password": PASSWORD});
        let custom = json!({"method": "custom_header", "header_key": "X-Key", "header_value": HEADER_VALUE});
        let proxy = json!({"proxy": format!("http://jane:{PROXY_PASSWORD}@127.0.0.1:{}", self.proxy.port())});
        let tls = json!({"tls": {"client_certificate": identity.0, "client_key": identity.1}});
        let encryption = json!({"encryption": {"jwks_url": at(&self.keys)}});
        let signing = json!({"signing": {"algorithm": "hmac-sha256", "secrets": [SIGNING_SECRET]}});
        let secure = format!("https://localhost:{}/in", self.secure.port());
        vec![
            webhook(&at(&self.bearer), &bearer(BEARER), &json!({})),
            webhook(&at(&self.basic), &basic, &json!({})),
            webhook(&at(&self.custom), &custom, &json!({})),
            webhook(&at(&self.proxied), &bearer(PROXIED), &proxy),
            webhook(&secure, &bearer(SECURE), &tls),
            webhook(&at(&self.encrypted), &bearer(ENCRYPTED), &encryption),
            webhook(&at(&self.signed), &bearer(SIGNED), &signing),
        ]
    }

    /// Everything that was sent, once something has been sent to each.
    async fn heard(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let event = "\"type\":\"user.created\"";
        BTreeMap::from([
            ("bearer", self.bearer.heard(event).await),
            ("basic", self.basic.heard(event).await),
            ("custom", self.custom.heard(event).await),
            ("proxied", self.proxied.heard(event).await),
            ("proxy", self.proxy.heard(event).await),
            ("secure", self.secure.heard("localhost").await),
            ("encrypted", self.encrypted.heard("application/jose").await),
            ("signed", self.signed.heard(event).await),
            ("fetched", self.fetched.heard(event).await),
            ("keys", self.keys.heard("\r\n\r\n").await),
        ])
    }
}

fn identity() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["headwater.example".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// The lines of the first request's head, sorted, with what differs from run to run replaced.
fn head(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = format!("content-length: {}", body.len());
    let normal = |line: &str| match line.split_once(": ") {
        Some(("host", host)) => format!("host: {}", host.rsplit_once(':').map_or(host, |(name, _)| name)),
        // Sealed, and different each time.
        Some(("headwater-offset", _)) => String::new(),
        Some(("content-length", _)) => {
            assert_eq!(line, length, "nothing follows the body");
            "content-length: N".to_owned()
        }
        _ => line.to_owned(),
    };
    let mut lines: Vec<_> = head.split("\r\n").map(normal).filter(|line| !line.is_empty()).collect();
    lines[1..].sort();
    lines
}

fn expected(first: &str, authorization: &str, content_type: &str) -> Vec<String> {
    let agent = format!("user-agent: headwater/{}", env!("CARGO_PKG_VERSION"));
    let type_line = format!("content-type: {content_type}");
    let mut lines =
        [authorization, "accept-encoding: identity", "content-length: N", &type_line, "host: 127.0.0.1", &agent]
            .map(str::to_owned)
            .to_vec();
    lines.sort();
    lines.insert(0, first.to_owned());
    lines
}

/// An action that sends on what it gets, with one of its secrets.
async fn create_action(server: &Server, to: &Wiretap) {
    let code = "exports.onExecuteEventStream = async (event) => {
        const headers = { authorization: event.secrets.KEY };
        await fetch(event.secrets.URL, { method: 'POST', headers, body: JSON.stringify(event.message) });
    };";
    let secret = |name: &str, value: &str| json!({"name": name, "value": value});
    let url = format!("http://127.0.0.1:{}/in", to.port());
    let action = json!({
        "name": "sends on", "code": code,
        "secrets": [secret("URL", &url), secret("KEY", ACTION_KEY), secret("OTHER", ACTION_OTHER)],
        "supported_triggers": [{"id": "event-stream", "version": "v1"}],
    });
    let (status, action) = server.call("POST", "actions/actions", Some(action)).await;
    assert_eq!(status, 201, "{action}");
    let id = &action["id"];
    let deploy = format!("actions/actions/{}/deploy", id.as_str().unwrap());
    assert_eq!(server.call("POST", &deploy, None).await.0, 200);
    let stream = json!({
        "subscriptions": [{"event_type": "user.created"}],
        "destination": {"type": "action", "configuration": {"action_id": id}},
    });
    let (status, stream) = server.call("POST", "event-streams", Some(stream)).await;
    assert_eq!(status, 201, "{stream}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_that_goes_out_holds_a_secret_that_does_not_belong_there() {
    let wiretaps = Wiretaps::start().await;
    let settings = [
        ("HEADWATER_MASTER_KEY", MASTER_KEY),
        ("AWS_SECRET_ACCESS_KEY", ENVIRONMENT),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
        ("ALL_PROXY", "http://127.0.0.1:9"),
    ];
    let server = Server::start_with(Arc::new(tempfile::tempdir().unwrap()), &settings).await;
    let connection = json!({
        "name": "corp", "strategy": "oidc",
        "options": {"client_id": "abc", "client_secret": CONNECTION_SECRET, "type": "back_channel",
            "issuer": "https://idp.example", "authorization_endpoint": "https://idp.example/authorize",
            "token_endpoint": "https://idp.example/token", "jwks_uri": "https://idp.example/jwks"},
    });
    let (status, answer) = server.call("POST", "connections", Some(connection)).await;
    assert_eq!(status, 201, "{answer}");
    let identity = identity();
    for stream in wiretaps.streams(&identity) {
        let (status, answer) = server.call("POST", "event-streams", Some(stream)).await;
        assert_eq!(status, 201, "{answer}");
    }
    create_action(&server, &wiretaps.fetched).await;
    server.create_user("jane").await;
    let heard = wiretaps.heard().await;

    let key_line = identity.1.lines().nth(1).unwrap().to_owned();
    let key_bytes: String = key_line.chars().take(48).collect();
    let basic = STANDARD.encode(format!("jane:{PASSWORD}"));
    let proxy = STANDARD.encode(format!("jane:{PROXY_PASSWORD}"));
    for Planted { secret, only } in [
        planted(BEARER, &["bearer"]),
        planted(PASSWORD, &[]),
        planted(&basic, &["basic"]),
        planted(HEADER_VALUE, &["custom"]),
        planted(PROXIED, &["proxied", "proxy"]),
        planted(PROXY_PASSWORD, &[]),
        planted(&proxy, &["proxy"]),
        planted(SECURE, &[]),
        planted(ENCRYPTED, &["encrypted"]),
        planted(SIGNED, &["signed"]),
        planted(ACTION_KEY, &["fetched"]),
        planted(ACTION_OTHER, &[]),
        planted(SIGNING_SECRET, &[]),
        planted(SIGNING_SECRET.trim_start_matches("whsec_"), &[]),
        planted(&key_bytes, &[]),
        planted("headwater.example", &[]),
        planted(MASTER_KEY, &[]),
        planted(CLIENT_SECRET, &[]),
        planted(CONNECTION_SECRET, &[]),
        planted(ENVIRONMENT, &[]),
        planted(server.token(), &[]),
        planted("correct horse battery staple", &[]),
    ] {
        for (place, bytes) in &heard {
            let found = forms(&secret).iter().any(|form| contains(bytes, form));
            // The proxy hears what goes through it, because this endpoint is http.
            assert!(!found || only.contains(place), "{secret} went to {place}:\n{}", String::from_utf8_lossy(bytes));
        }
        for place in only {
            assert!(contains(&heard[place], secret.as_bytes()), "{secret} is missing at {place}");
        }
    }
    the_requests_are_exact(&heard, &wiretaps);
}

/// Nothing is in a request but what is named here.
fn the_requests_are_exact(heard: &BTreeMap<&'static str, Vec<u8>>, wiretaps: &Wiretaps) {
    let post = "POST /in HTTP/1.1";
    let json = "application/json";
    let basic = STANDARD.encode(format!("jane:{PASSWORD}"));
    for (place, authorization, content_type) in [
        ("bearer", format!("authorization: Bearer {BEARER}"), json),
        ("basic", format!("authorization: Basic {basic}"), json),
        ("custom", format!("x-key: {HEADER_VALUE}"), json),
        ("proxied", format!("authorization: Bearer {PROXIED}"), json),
        ("encrypted", format!("authorization: Bearer {ENCRYPTED}"), "application/jose"),
    ] {
        assert_eq!(head(&heard[place]), expected(post, &authorization, content_type), "{place}");
    }
    let agent = format!("headwater/{}", env!("CARGO_PKG_VERSION"));
    let target = format!("127.0.0.1:{}", wiretaps.proxied.port());
    let credentials = STANDARD.encode(format!("jane:{PROXY_PASSWORD}"));
    let connect = format!(
        "CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nuser-agent: {agent}\r\n\
         proxy-authorization: Basic {credentials}\r\n\r\n"
    );
    assert!(heard["proxy"].starts_with(connect.as_bytes()), "{}", String::from_utf8_lossy(&heard["proxy"]));
    let keys = String::from_utf8_lossy(&heard["keys"]).into_owned();
    let mut lines: Vec<_> = keys.trim_end().split("\r\n").collect();
    lines[1..].sort_unstable();
    let agent_line = format!("user-agent: {agent}");
    let host = format!("host: 127.0.0.1:{}", wiretaps.keys.port());
    let accept = "accept: application/jwk-set+json, application/json";
    assert_eq!(lines, ["GET /in HTTP/1.1", "accept-encoding: identity", accept, &host, &agent_line]);
    let fetched = head(&heard["fetched"]);
    let names: Vec<_> = fetched[1..].iter().map(|line| line.split(": ").next().unwrap()).collect();
    let usual = ["accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent"];
    assert!(names.iter().all(|name| usual.contains(name)), "{fetched:?}");
    the_handshake_says_only_where_it_goes(&heard["secure"]);
}

/// A TLS record with a `ClientHello`: the name of the receiver and the protocols, and no certificate.
fn the_handshake_says_only_where_it_goes(hello: &[u8]) {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    assert_eq!((hello[0], hello[5]), (HANDSHAKE, CLIENT_HELLO));
    let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
    assert!(contains(&hello[..length + 5], b"\x08http/1.1"), "HTTP/1.1 is offered");
    assert!(!contains(hello, b"\x02h2"), "HTTP/2 is not offered unless it is asked for");
    assert!(!contains(hello, b"/in") && !contains(hello, b"headwater"), "nothing of the request is in clear");
}
