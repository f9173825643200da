//! The only client for customer addresses: DNS, address policy, TLS, limits in time and size.
//!
//! Each stream has an `EndpointClient` with a connection pool, a resolver and TLS sessions of its own, so that
//! one receiver cannot hold up another. A connection is made to exactly the address that the policy has allowed:
//! nothing is resolved twice. Redirects are never followed and the environment's proxies never used.
//!
//! An attempt drives its own HTTP/1.1 connection, and dropping the attempt closes it. Only an HTTP/2 connection, which
//! attempts share, has a task; it is its stream's and ends with it.

mod address_policy;
mod connection;
mod connection_pool;
mod connector;
mod deadline;
mod endpoint_client;
mod error;
mod http2;
mod resolver;
mod shared_connection;
mod tls;
mod transport;
mod tunnel;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use domain::clock::Clock;
use domain::proxy::Proxy;
use domain::transport::Transport;
use hyper::Method;
use hyper::header::{self, HeaderMap, HeaderValue};
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use url::{Host, Position, Url};

use address_policy::{AddressPolicy, Refusal, is_metadata_name};
use connection::AnswerLimits;
use connection_pool::{ConnectionPool, PoolLimits};
use connector::{Connector, Route};
use endpoint_client::RequestHead;
use http2::Http2Head;
use resolver::{Resolver, SystemNames};
use tls::TlsSettings;
use tunnel::Tunnel;

pub(crate) use endpoint_client::{Answer, EndpointClient, Keep, Stamp};
pub(crate) use error::SendError;
pub use resolver::Names;
pub use tls::roots_from_pem;

/// The limits of outbound work. `..OutboundSettings::default()` fills in what is not given.
#[derive(Clone)]
pub struct OutboundSettings {
    /// Networks that may be reached although they are not public.
    pub allow: Vec<IpNet>,
    /// Roots that are trusted besides the public ones; see [`roots_from_pem`].
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Through which proxy everything goes that has none of its own. Naming it here allows its address.
    pub proxy: Option<Proxy>,
    /// How names become addresses.
    pub names: Arc<dyn Names>,
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
    /// How long a key set that a receiver publishes is used before it is read anew.
    pub key_set_fresh_for: Duration,
    /// How long it is used at all, where it cannot be read anew.
    pub key_set_age_max: Duration,
    /// The longest key set that is taken.
    pub key_set_bytes_max: usize,
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
            proxy: None,
            names: Arc::new(SystemNames),
            attempt_timeout: Duration::from_secs(10),
            user_agent: concat!("headwater/", env!("CARGO_PKG_VERSION")).to_owned(),
            answer_head_bytes_max: 16 * 1024,
            answer_body_bytes_max: 16 * 1024,
            answer_kept_bytes_max: 1024,
            answer_body_timeout: Duration::from_secs(1),
            key_set_fresh_for: Duration::from_secs(300),
            key_set_age_max: Duration::from_secs(3600),
            key_set_bytes_max: 64 * 1024,
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
    tls: TlsSettings,
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
        let tls = TlsSettings::new(&settings.extra_roots)?;
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

    /// Checks that an endpoint's host, or that of the proxy before it, resolves and may be reached by the way of
    /// `transport`, without connecting to it.
    ///
    /// # Errors
    /// Says what keeps deliveries from being sent there.
    pub async fn check(&self, endpoint: &Url, transport: &Transport) -> Result<(), EndpointProblem> {
        let problem = |error: SendError| EndpointProblem(error.to_string());
        let client = self.endpoint_client(endpoint, HeaderMap::new(), transport).map_err(problem)?;
        let checking = client.connector().allowed_addresses();
        let checking = tokio::time::timeout(self.0.settings.attempt_timeout, checking);
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

    /// A client that posts to `endpoint` by the way of `transport`, and whose requests carry `headers` besides the
    /// usual ones.
    ///
    /// # Errors
    /// If no request can ever be sent there as it is wanted.
    pub(crate) fn endpoint_client(
        &self,
        endpoint: &Url,
        headers: HeaderMap,
        transport: &Transport,
    ) -> Result<EndpointClient, SendError> {
        self.client(Method::POST, endpoint, headers, transport)
    }

    /// A client that reads what is at `url`, up to `bytes_max` of it.
    ///
    /// # Errors
    /// If no request can ever be sent there as it is wanted.
    pub(crate) fn reading_client(
        &self,
        url: &Url,
        headers: HeaderMap,
        transport: &Transport,
        bytes_max: usize,
    ) -> Result<EndpointClient, SendError> {
        let mut client = self.client(Method::GET, url, headers, transport)?;
        client.keep = Keep::All;
        client.limits.body_bytes_max = bytes_max;
        Ok(client)
    }

    /// A client that sends requests of any kind to `url`, and keeps what is answered.
    ///
    /// # Errors
    /// If no request can ever be sent there.
    pub(crate) fn fetching_client(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        transport: &Transport,
    ) -> Result<EndpointClient, SendError> {
        let client = self.client(method, url, headers, transport)?;
        Ok(EndpointClient { keep: Keep::All, ..client })
    }

    fn client(
        &self,
        method: Method,
        endpoint: &Url,
        headers: HeaderMap,
        transport: &Transport,
    ) -> Result<EndpointClient, SendError> {
        let host = endpoint.host().ok_or_else(|| unsendable("the endpoint has no host"))?;
        if let Host::Domain(name) = host
            && is_metadata_name(name)
        {
            return Err(SendError::NameRefused { host: name.to_owned(), refusal: Refusal::Metadata });
        }
        let head = self.request_head(method, endpoint, headers, transport)?;
        let tls = match endpoint.scheme() {
            "https" => {
                let name = tls::server_name(&host)
                    .ok_or_else(|| unsendable("no certificate can be issued for the endpoint's host name"))?;
                Some((self.0.tls.connector(&transport.tls, transport.http2)?, name))
            }
            "http" if transport.tls.client.is_some() => {
                return Err(unsendable("a client certificate is set, and an http endpoint asks for none"));
            }
            "http" => None,
            _ => return Err(unsendable("the endpoint is neither https nor http")),
        };
        let http2 = head.http2.is_some();
        let pool = Arc::new(ConnectionPool::new(self.pool_limits(), http2));
        let route = self.route(endpoint, &host, transport)?;
        let client_validity = transport.tls.client.as_ref().map(|identity| identity.certificate.validity());
        let limits = AnswerLimits {
            head_bytes_max: self.0.settings.answer_head_bytes_max,
            body_bytes_max: self.0.settings.answer_body_bytes_max,
        };
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pool));
        let connector = Connector { shared: Arc::clone(&self.0), route, tls, client_validity };
        let attempt_timeout = self.0.settings.attempt_timeout;
        Ok(EndpointClient { head, connector, pool, keep: Keep::Failures, attempt_timeout, limits })
    }

    /// Who is connected to. A proxy resolves the name, so all that can be looked at is the name itself.
    fn route(&self, endpoint: &Url, host: &Host<&str>, transport: &Transport) -> Result<Route, SendError> {
        let settings = &self.0.settings;
        let resolver = |host: Host<String>, port: u16| Resolver::new(host, port, Arc::clone(&settings.names));
        let port = endpoint.port_or_known_default().ok_or_else(|| unsendable("the endpoint has no port"))?;
        let Some(proxy) = transport.proxy.as_ref().or(settings.proxy.as_ref()) else {
            return Ok(Route::Direct(resolver(host.to_owned(), port)));
        };
        self.0
            .policy
            .check_unresolved(host)
            .map_err(|refusal| SendError::NameRefused { host: host.to_string(), refusal })?;
        let authority = format!("{host}:{port}");
        let tunnel = Tunnel::new(proxy, &authority, &settings.user_agent, settings.answer_head_bytes_max);
        Ok(Route::Proxied {
            resolver: resolver(proxy.host().clone(), proxy.port()),
            tunnel,
            named_by_operator: transport.proxy.is_none(),
        })
    }

    fn pool_limits(&self) -> PoolLimits {
        let settings = &self.0.settings;
        PoolLimits {
            idle_max: settings.idle_connections_max,
            idle_for_max: settings.idle_timeout,
            age_max: settings.connection_age_max,
        }
    }

    fn request_head(
        &self,
        method: Method,
        endpoint: &Url,
        mut headers: HeaderMap,
        transport: &Transport,
    ) -> Result<RequestHead, SendError> {
        let target = &endpoint[Position::BeforePath..Position::AfterQuery];
        let uri = target.parse().map_err(|_| unsendable("the endpoint's path cannot be sent"))?;
        let authority = &endpoint[Position::BeforeHost..Position::AfterPort];
        headers.insert(header::USER_AGENT, self.0.user_agent.clone());
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let http2 = if transport.http2 && endpoint.scheme() == "https" {
            let whole = &endpoint[..Position::AfterQuery];
            let uri = whole.parse().map_err(|_| unsendable("the endpoint's path cannot be sent"))?;
            Some(Http2Head { uri, headers: headers.clone() })
        } else {
            None
        };
        let host = HeaderValue::from_str(authority).map_err(|_| unsendable("the endpoint's host cannot be sent"))?;
        headers.insert(header::HOST, host);
        Ok(RequestHead { method, uri, headers, http2 })
    }
}

fn unsendable(what: &str) -> SendError {
    SendError::Unsendable(what.to_owned())
}
