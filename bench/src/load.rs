//! The load generator: keep-alive connections that post one body after another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use hyper::StatusCode;
use hyper::header::HeaderMap;
use tokio::task::JoinSet;

use crate::bodies::{Kind, Template};
use crate::clock::now_ns;
use crate::connection::Connection;

/// How long a request waits that the server has pushed back.
const PUSHED_BACK_PAUSE: Duration = Duration::from_millis(5);

/// Whom the load goes to.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    pub(crate) headers: HeaderMap,
    pub(crate) accepts: StatusCode,
}

/// How much load.
#[derive(Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) connections: usize,
    /// The number of the first request; the others follow.
    pub(crate) first: u64,
    pub(crate) requests: u64,
    /// Requests a second; `None` is as fast as they are answered.
    pub(crate) rate: Option<f64>,
    /// After this no request begins, whatever is left.
    pub(crate) lasts: Option<Duration>,
}

/// What became of it.
#[derive(Default)]
pub(crate) struct Done {
    /// Right before the first post.
    pub(crate) first_ns: u64,
    /// How many requests were accepted.
    pub(crate) requests: u64,
    /// The numbers of the requests that were accepted, where that was asked for.
    pub(crate) accepted: Vec<u64>,
    /// How often the server asked for patience (429 or 503).
    pub(crate) pushed_back: u64,
}

/// A load on its way.
pub(crate) struct Load {
    target: Target,
    kind: Kind,
    template: Template,
    amount: Amount,
    next: AtomicU64,
    began_ns: u64,
    /// The server may go away: the load then ends, and what was accepted is remembered.
    outlives_target: bool,
}

/// What one connection did.
#[derive(Default)]
struct Share {
    requests: u64,
    accepted: Vec<u64>,
    pushed_back: u64,
}

/// Posts all of it and waits for every answer.
///
/// # Errors
/// If the target refuses anything or goes away.
pub(crate) async fn run(target: Target, kind: Kind, amount: Amount) -> Result<Done> {
    spread(target, kind, amount, false).await
}

/// Posts until the target goes away; remembers what was accepted.
pub(crate) async fn run_until_gone(target: Target, kind: Kind, amount: Amount) -> Result<Done> {
    spread(target, kind, amount, true).await
}

async fn spread(target: Target, kind: Kind, amount: Amount, outlives_target: bool) -> Result<Done> {
    let mut connections = Vec::with_capacity(amount.connections);
    for _ in 0..amount.connections {
        connections.push(Connection::open(target.address).await?);
    }
    let load = Load {
        target,
        kind,
        template: Template::new(kind),
        amount,
        next: AtomicU64::new(0),
        began_ns: now_ns(),
        outlives_target,
    };
    let load = Arc::new(load);
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(Arc::clone(&load).use_connection(connection));
    }
    let mut done = Done { first_ns: load.began_ns, ..Done::default() };
    while let Some(share) = tasks.join_next().await {
        let share = share??;
        done.requests += share.requests;
        done.accepted.extend(share.accepted);
        done.pushed_back += share.pushed_back;
    }
    Ok(done)
}

impl Load {
    async fn use_connection(self: Arc<Self>, mut connection: Connection) -> Result<Share> {
        let mut share = Share::default();
        let mut free_since_ns = self.began_ns;
        loop {
            let request = self.next.fetch_add(1, Ordering::Relaxed);
            if request >= self.amount.requests || self.is_over() {
                return Ok(share);
            }
            let number = self.amount.first + request;
            let sent_ns = self.wait_for_turn(request, free_since_ns).await;
            let body = match sent_ns {
                Some(sent_ns) => self.template.body_sent_at(number, sent_ns),
                None => self.template.body(number),
            };
            let posted = loop {
                let (path, content_type) = (self.target.path, self.kind.content_type());
                let posted = connection.post(path, content_type, &self.target.headers, body.clone()).await;
                match &posted {
                    Ok(answer) if is_push_back(answer.status) => {
                        share.pushed_back += 1;
                        tokio::time::sleep(PUSHED_BACK_PAUSE).await;
                    }
                    _ => break posted,
                }
            };
            match posted {
                Ok(answer) if answer.status == self.target.accepts => {
                    share.requests += 1;
                    if self.outlives_target {
                        share.accepted.push(number);
                    }
                }
                Ok(answer) => bail!("{} answered {}: {}", self.target.path, answer.status, answer.excerpt()),
                Err(_) if self.outlives_target => return Ok(share),
                Err(error) => return Err(error),
            }
            if self.amount.rate.is_some() {
                free_since_ns = now_ns();
            }
        }
    }

    fn is_over(&self) -> bool {
        self.amount.lasts.is_some_and(|lasts| Duration::from_nanos(now_ns().saturating_sub(self.began_ns)) > lasts)
    }

    /// Waits until it is this request's turn. Its time counts from its turn where the connection was busy by then,
    /// so that a slow answer is not hidden by the requests that waited for it.
    async fn wait_for_turn(&self, request: u64, free_since_ns: u64) -> Option<u64> {
        let rate = self.amount.rate?;
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
        let turn = Duration::from_secs_f64(request as f64 / rate);
        let turn_ns = self.began_ns + u64::try_from(turn.as_nanos()).unwrap_or(u64::MAX);
        if free_since_ns > turn_ns {
            return Some(turn_ns);
        }
        let wait = Duration::from_nanos(turn_ns.saturating_sub(now_ns()));
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Some(now_ns())
    }
}

fn is_push_back(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE
}
