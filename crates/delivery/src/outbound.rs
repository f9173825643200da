//! The only client for customer addresses: DNS, address policy, TLS, limits in time and size.
//!
//! Each stream has an `EndpointClient` with a connection pool, a resolver and TLS sessions of its own, so that
//! one receiver cannot hold up another. A connection is made to exactly the address that the policy has allowed:
//! nothing is resolved twice. Redirects are never followed and the environment's proxies never used.
//!
//! There are no tasks here: an attempt drives its own connection, and dropping the attempt closes it.

mod address_policy;
mod connection;
mod connection_pool;
mod deadline;
mod endpoint_client;
mod error;
mod resolver;
mod tls;
mod transport;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use domain::clock::Clock;
use hyper::header::{self, HeaderMap, HeaderValue};
use ipnet::IpNet;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use url::{Position, Url};

use address_policy::AddressPolicy;
use connection_pool::{ConnectionPool, PoolLimits};
use endpoint_client::RequestHead;
use resolver::Resolver;

pub(crate) use endpoint_client::{Answer, EndpointClient};
pub(crate) use error::SendError;
pub use tls::roots_from_pem;

/// The limits of outbound work. `..OutboundSettings::default()` fills in what is not given.
#[derive(Clone, Debug)]
pub struct OutboundSettings {
    /// Networks that may be reached although they are not public.
    pub allow: Vec<IpNet>,
    /// Roots that are trusted besides the public ones; see [`roots_from_pem`].
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// One attempt as a whole: DNS, connecting, TLS, sending, answer.
    pub attempt_timeout: Duration,
    /// The `user-agent` of requests.
    pub user_agent: String,
    /// Status line and headers of an answer (8 KiB at least).
    pub answer_head_bytes_max: usize,
    /// How much of an answer's body is read; a connection with more to say is dropped.
    pub answer_body_bytes_max: usize,
    /// How much of a failed attempt's answer is kept.
    pub answer_kept_bytes_max: usize,
    /// How long an answer's body may take: the status is known by then, so nothing but the connection is lost.
    pub answer_body_timeout: Duration,
    /// Connections that one stream keeps for later.
    pub idle_connections_max: usize,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// How long a connection is used at all, so that a receiver can move to another address.
    pub connection_age_max: Duration,
}

impl Default for OutboundSettings {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            extra_roots: Vec::new(),
            attempt_timeout: Duration::from_secs(10),
            user_agent: concat!("headwater/", env!("CARGO_PKG_VERSION")).to_owned(),
            answer_head_bytes_max: 16 * 1024,
            answer_body_bytes_max: 16 * 1024,
            answer_kept_bytes_max: 1024,
            answer_body_timeout: Duration::from_secs(1),
            idle_connections_max: 64,
            idle_timeout: Duration::from_secs(30),
            connection_age_max: Duration::from_secs(300),
        }
    }
}

/// Why there can be no outbound work with these settings.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The TLS library refuses its own settings.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// An extra root is not usable.
    #[error("an extra root certificate cannot be used")]
    Root(#[source] rustls::Error),
    /// Not a PEM file of certificates.
    #[error("expected a PEM file with one or more certificates")]
    Pem,
    /// The user agent cannot be sent.
    #[error("the user agent contains characters that a header cannot hold")]
    UserAgent,
}

/// What keeps deliveries from being sent to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EndpointProblem(String);

/// Outbound work of the process: what is the same for all streams. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Shared>);

struct Shared {
    settings: OutboundSettings,
    policy: AddressPolicy,
    tls: ClientConfig,
    user_agent: HeaderValue,
    clock: Arc<dyn Clock>,
    /// The pools of all streams, for [`Outbound::close_idle`] only.
    pools: Mutex<Vec<Weak<ConnectionPool>>>,
}

impl Outbound {
    /// Prepares outbound work.
    ///
    /// # Errors
    /// If a root certificate or the user agent cannot be used.
    pub fn new(settings: OutboundSettings, clock: Arc<dyn Clock>) -> Result<Self, OutboundError> {
        let policy = AddressPolicy::new(&settings.allow);
        let tls = tls::client_config(&settings.extra_roots)?;
        let user_agent = HeaderValue::from_str(&settings.user_agent).map_err(|_| OutboundError::UserAgent)?;
        Ok(Self(Arc::new(Shared { settings, policy, tls, user_agent, clock, pools: Mutex::default() })))
    }

    /// Closes connections that nobody has used for the idle time, or that the other side has closed, and answers
    /// how many. To be called every few seconds: an idle connection has no task that would notice.
    pub fn close_idle(&self) -> usize {
        let now = self.0.clock.now().steady;
        let mut closed = 0;
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner).retain(|pool| {
            let Some(pool) = pool.upgrade() else { return false };
            closed += pool.close_idle(now);
            true
        });
        closed
    }

    /// Checks that an endpoint's host resolves and may be reached, without connecting to it.
    ///
    /// # Errors
    /// Says what keeps deliveries from being sent there.
    pub async fn check(&self, endpoint: &Url) -> Result<(), EndpointProblem> {
        let problem = |error: SendError| EndpointProblem(error.to_string());
        let client = self.endpoint_client(endpoint, HeaderMap::new()).map_err(problem)?;
        let checking = tokio::time::timeout(self.0.settings.attempt_timeout, client.allowed_addresses());
        match checking.await {
            Ok(addresses) => addresses.map(|_| ()).map_err(problem),
            Err(_) => Err(EndpointProblem("the name could not be resolved in time".to_owned())),
        }
    }

    pub(crate) fn settings(&self) -> &OutboundSettings {
        &self.0.settings
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    /// A client of `endpoint`, whose requests carry `headers` besides the usual ones.
    ///
    /// # Errors
    /// [`SendError::Unsendable`] if no request can ever be sent there.
    pub(crate) fn endpoint_client(&self, endpoint: &Url, headers: HeaderMap) -> Result<EndpointClient, SendError> {
        let unsendable = |what: &str| SendError::Unsendable(what.to_owned());
        let host = endpoint.host().ok_or_else(|| unsendable("the endpoint has no host"))?;
        let port = endpoint.port_or_known_default().ok_or_else(|| unsendable("the endpoint has no port"))?;
        let tls = match endpoint.scheme() {
            "https" => {
                let name = tls::server_name(&host)
                    .ok_or_else(|| unsendable("no certificate can be issued for the endpoint's host name"))?;
                Some((tls::connector(&self.0.tls), name))
            }
            "http" => None,
            _ => return Err(unsendable("the endpoint is neither https nor http")),
        };
        let pool = Arc::new(ConnectionPool::new(PoolLimits {
            idle_max: self.0.settings.idle_connections_max,
            idle_for_max: self.0.settings.idle_timeout,
            age_max: self.0.settings.connection_age_max,
        }));
        let head = self.request_head(endpoint, headers)?;
        let resolver = Resolver::new(host.to_owned(), port);
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pool));
        Ok(EndpointClient { shared: Arc::clone(&self.0), head, tls, resolver, pool })
    }

    fn request_head(&self, endpoint: &Url, mut headers: HeaderMap) -> Result<RequestHead, SendError> {
        let unsendable = |what: &str| SendError::Unsendable(what.to_owned());
        let target = &endpoint[Position::BeforePath..Position::AfterQuery];
        let uri = target.parse().map_err(|_| unsendable("the endpoint's path cannot be sent"))?;
        let authority = &endpoint[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(authority).map_err(|_| unsendable("the endpoint's host cannot be sent"))?;
        headers.insert(header::HOST, host);
        headers.insert(header::USER_AGENT, self.0.user_agent.clone());
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(RequestHead { uri, headers })
    }
}
