//! A small HTTP receiver for `dev` and `demo`: takes what arrives and shows it; can be told to refuse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// The largest body that is taken.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Requests that nobody has looked at yet; further ones wait.
const WAITING_MAX: usize = 64;
/// What a request that is to fail is answered.
pub(crate) const REFUSAL: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) answered: u16,
}

/// The running receiver; it ends when it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    failures_left: Arc<AtomicU32>,
    arrivals: mpsc::Receiver<Received>,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Shared {
    failures_left: Arc<AtomicU32>,
    arrivals: mpsc::Sender<Received>,
}

impl Receiver {
    /// Starts a receiver on this address.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub(crate) async fn start(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("the receiver cannot listen on {address}"))?;
        let address = listener.local_addr().context("the receiver has no address")?;
        let failures_left = Arc::new(AtomicU32::new(0));
        let (sender, arrivals) = mpsc::channel(WAITING_MAX);
        let shared = Shared { failures_left: Arc::clone(&failures_left), arrivals: sender };
        let router = Router::new().fallback(receive).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(shared);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the receiver ended");
            }
        });
        Ok(Self { address, failures_left, arrivals, _tasks: tasks })
    }

    /// Where it is reached.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The next `times` requests are refused.
    pub(crate) fn refuse_next(&self, times: u32) {
        self.failures_left.store(times, Ordering::SeqCst);
    }

    /// The next request, as soon as it is there; `None` if none comes in time.
    pub(crate) async fn next_within(&mut self, limit: Duration) -> Option<Received> {
        tokio::time::timeout(limit, self.next()).await.ok().flatten()
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        self.arrivals.recv().await
    }
}

async fn receive(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let fails = shared.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    let status = if fails.is_ok() { REFUSAL } else { StatusCode::NO_CONTENT };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let received = Received {
        method: method.to_string(),
        path: uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect(),
        body: text(&body),
        answered: status.as_u16(),
    };
    if shared.arrivals.send(received).await.is_err() {
        tracing::debug!("nobody looks at what arrives any more");
    }
    status
}
