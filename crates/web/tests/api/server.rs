//! The application under test: a real store in a temporary folder, a clock that tests set, and calls through
//! the router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::runner::ToldByCode;
use crate::{described, record};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use domain::clock::{Clock, Entropy, Moment, Timestamp};
use domain::destination::PartnerName;
use domain::event::{LoggedEvent, Seq};
use domain::operator::SessionLimits;
use domain::secret::Secret;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::sqlite::{Options, SqliteStore};
use store::{Keyring, Log, MASTER_KEY_BYTES, ReadLimit, State};
use tempfile::TempDir;
use tower::ServiceExt;
use web::{App, Bootstrap, Dashboard, PeerAddress, PublicUrl, Readers, Settings};

pub(crate) const CLIENT_ID: &str = "bootstrap-client";
pub(crate) const CLIENT_SECRET: &str = "bootstrap-secret+%/";
pub(crate) const AUDIENCE: &str = "https://acme.example:8443/api/v2/";
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
pub(crate) const BATCH_BYTES_MAX: usize = 512 * 1024;
pub(crate) const JSON: &str = "application/json; charset=utf-8";
/// How long an operator stays signed in without doing anything.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(12 * 3600);
/// 2026-01-16T08:50:33.955Z
pub(crate) const START: i64 = 1_768_553_433_955;

pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) const fn started() -> Self {
        Self(AtomicI64::new(START))
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        let wall = self.0.load(Ordering::Relaxed);
        Moment {
            wall: Timestamp::from_millis(wall),
            steady: Duration::from_millis(u64::try_from(wall - START).unwrap()),
        }
    }
}

pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).unwrap();
    }
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body, after the status and the content type have been checked.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some(JSON));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) token: String,
    pub(crate) folder: TempDir,
}

pub(crate) fn settings() -> Settings {
    Settings {
        public_url: PublicUrl::parse("https://acme.example:8443").unwrap(),
        tenants: Vec::new(),
        streams_max: None,
        actions_max: 100,
        http_destinations_allowed: false,
        secrets_bound_to_origin: false,
        event_bridge_partner: PartnerName::default(),
        token_lifetime: Duration::from_secs(86_400),
        failures_outstanding_max: 5000,
        rate_limit: None,
        body_bytes_max: BODY_BYTES_MAX,
        batch_bytes_max: BATCH_BYTES_MAX,
        dashboard: Dashboard { sessions: SessionLimits { idle: IDLE_MAX, absolute: Duration::from_secs(7 * 86_400) } },
        readers: Readers { connections_max: 8, heartbeat: Duration::from_secs(20), cycle: Duration::from_secs(300) },
    }
}

/// With other limits for readers of the Events API.
pub(crate) fn readers(connections_max: usize, heartbeat: Duration, cycle: Duration) -> Settings {
    Settings { readers: Readers { connections_max, heartbeat, cycle }, ..settings() }
}

pub(crate) fn application(secret: &str) -> Option<Bootstrap> {
    Some(Bootstrap { client_id: CLIENT_ID.to_owned(), client_secret: Secret::new(secret) })
}

pub(crate) fn open_store(folder: &TempDir) -> Arc<SqliteStore> {
    let keyring = Arc::new(Keyring::new(&[7; MASTER_KEY_BYTES]));
    let options = Options { folder: folder.path().to_owned() };
    Arc::new(SqliteStore::open(options, keyring, Arc::new(SystemEntropy)).unwrap())
}

pub(crate) async fn load(store: &Arc<SqliteStore>, clock: &Arc<TestClock>, secret: &str, settings: Settings) -> Router {
    web::router(load_app(store, clock, secret, settings).await)
}

pub(crate) async fn load_app(
    store: &Arc<SqliteStore>,
    clock: &Arc<TestClock>,
    secret: &str,
    settings: Settings,
) -> Arc<App> {
    let state: Arc<dyn State> = store.clone();
    web::bootstrap(&*state, &**clock, &SystemEntropy, &settings, application(secret)).await.unwrap();
    let runner = Arc::new(ToldByCode::default());
    Arc::new(App::load(state, runner, clock.clone(), Arc::new(SystemEntropy), settings).await.unwrap())
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(settings()).await
    }

    pub(crate) async fn start_with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open_store(&folder);
        let clock = Arc::new(TestClock::started());
        let router = load(&store, &clock, CLIENT_SECRET, settings).await;
        let mut server = Self { router, store, clock, token: String::new(), folder };
        server.token = server.token_of(CLIENT_ID, CLIENT_SECRET).await;
        server
    }

    /// Sends a request. What is answered must be as it is described.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Reply {
        let peer: SocketAddr = "192.0.2.7:5555".parse().unwrap();
        request.extensions_mut().insert(PeerAddress(peer));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        described::check(described::description(&self.router).await, method.as_str(), &path, &reply);
        reply
    }

    pub(crate) async fn raw(&self, method: &str, path: &str, body: impl Into<Body>) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("host", "acme.example:8443")
            .header("user-agent", "test/1")
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    /// A call without a body.
    pub(crate) async fn call(&self, method: &str, path: &str) -> Reply {
        self.raw(method, path, Body::empty()).await
    }

    /// A call with a JSON body.
    pub(crate) async fn call_with(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.raw(method, path, body.to_string()).await
    }

    /// A call with another token.
    pub(crate) async fn call_as(&self, token: &str, method: &str, path: &str) -> Reply {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn ask_token(&self, body: &Value) -> Reply {
        let request = Request::post("/oauth/token").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn token_of(&self, client_id: &str, client_secret: &str) -> String {
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "audience": AUDIENCE,
        });
        let issued = self.ask_token(&body).await.expect(200);
        issued["access_token"].as_str().unwrap().to_owned()
    }

    /// A new application, and its secret.
    pub(crate) async fn create_client(&self, name: &str) -> (String, String) {
        let made = self.call_with("POST", "/api/v2/clients", &json!({ "name": name })).await.expect(201);
        (made["client_id"].as_str().unwrap().to_owned(), made["client_secret"].as_str().unwrap().to_owned())
    }

    /// The token of a new application with these scopes.
    pub(crate) async fn token_with(&self, scope: &[&str]) -> String {
        let (client_id, client_secret) = self.create_client("scoped").await;
        let grant = json!({"client_id": client_id, "audience": AUDIENCE, "scope": scope});
        self.call_with("POST", "/api/v2/client-grants", &grant).await.expect(201);
        self.token_of(&client_id, &client_secret).await
    }

    /// Every event in the log.
    pub(crate) async fn events(&self) -> Vec<Arc<LoggedEvent>> {
        let until = self.store.heads().borrow().log;
        let limit = ReadLimit { events: usize::MAX, bytes: usize::MAX };
        let events = self.store.log_read(Seq::ZERO, until, limit).await.unwrap().events;
        for name in events.iter().filter_map(|logged| logged.event.event_type.name()) {
            record::note(&["event", name]);
        }
        events
    }

    /// The bodies of every event in the log.
    pub(crate) async fn event_bodies(&self) -> Vec<Value> {
        self.events().await.iter().map(|logged| serde_json::from_slice(&logged.event.body).unwrap()).collect()
    }
}

/// The body of an error without `errorCode`.
pub(crate) fn error(status: u16, reason: &str, message: &str) -> Value {
    json!({"statusCode": status, "error": reason, "message": message})
}

/// The body of an error.
pub(crate) fn error_with_code(status: u16, reason: &str, message: &str, code: &str) -> Value {
    json!({"statusCode": status, "error": reason, "message": message, "errorCode": code})
}

/// The body of a 400 for a faulty body.
pub(crate) fn invalid_body(message: &str) -> Value {
    error_with_code(400, "Bad Request", &format!("Payload validation error: {message}"), "invalid_body")
}

/// The body of a 400 for a faulty query.
pub(crate) fn invalid_query(message: &str) -> Value {
    error_with_code(400, "Bad Request", &format!("Query validation error: {message}"), "invalid_query_string")
}
