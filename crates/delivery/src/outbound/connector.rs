//! From an endpoint to a connected socket: resolution, the address policy, the proxy, TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use domain::certificate::Validity;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Shared;
use super::deadline::Deadline;
use super::error::{Peer, SendError, Step};
use super::resolver::Resolver;
use super::transport::Socket;
use super::tunnel::Tunnel;

/// Connects to the endpoint of one stream.
pub(super) struct Connector {
    pub(super) shared: Arc<Shared>,
    pub(super) route: Route,
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
    /// How long the certificate can be shown that the stream has for its receiver.
    pub(super) client_validity: Option<Validity>,
}

/// Who is connected to.
pub(super) enum Route {
    /// The receiver itself, at an address that the policy allows.
    Direct(Resolver),
    /// A proxy, which resolves the receiver's name.
    Proxied {
        resolver: Resolver,
        tunnel: Tunnel,
        /// The operator has named it, which allows its address.
        named_by_operator: bool,
    },
}

/// What is spoken on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Connector {
    /// The addresses to connect to that the policy allows; refused if it allows none of them.
    pub(super) async fn allowed_addresses(&self) -> Result<Vec<SocketAddr>, SendError> {
        let (resolver, peer, all_allowed) = match &self.route {
            Route::Direct(resolver) => (resolver, Peer::Destination, false),
            Route::Proxied { resolver, named_by_operator, .. } => (resolver, Peer::Proxy, *named_by_operator),
        };
        let candidates = resolver.addresses(self.shared.clock.now().steady).await?;
        if all_allowed {
            return Ok(candidates.to_vec());
        }
        let mut allowed = Vec::with_capacity(candidates.len());
        let mut refused = None;
        for candidate in candidates.iter() {
            match self.shared.policy.check(candidate.ip()) {
                Ok(()) => allowed.push(*candidate),
                Err(refusal) => {
                    refused.get_or_insert(SendError::AddressRefused { peer, address: candidate.ip(), refusal });
                }
            }
        }
        match refused {
            Some(refused) if allowed.is_empty() => Err(refused),
            _ => Ok(allowed),
        }
    }

    /// A connection, and what the receiver wants to speak on it.
    pub(super) async fn connect(&self, deadline: &mut Deadline<'_>) -> Result<(Socket, Protocol), SendError> {
        let problem = self.client_validity.and_then(|validity| validity.problem(self.shared.clock.now().wall));
        if let Some(problem) = problem {
            return Err(SendError::Unsendable(format!("the client certificate cannot be used: {problem}")));
        }
        let allowed = deadline.bound(Step::Resolution, self.allowed_addresses()).await??;
        let mut socket = self.connect_any(&allowed, deadline).await.inspect_err(|_| self.forget_addresses())?;
        // Small requests must not wait for the acknowledgement of the one before. A socket that cannot be told
        // so still works.
        let _slower = socket.set_nodelay(true);
        if let Route::Proxied { tunnel, .. } = &self.route {
            deadline.bound(Step::Tunnel, tunnel.open(&mut socket)).await??;
        }
        let Some((connector, name)) = &self.tls else { return Ok((Socket::Plain(socket), Protocol::Http1)) };
        let handshake = deadline.bound(Step::Handshake, connector.connect(name.clone(), socket)).await?;
        let stream = handshake.map_err(|error| SendError::handshake(&error))?;
        let protocol = agreed_protocol(&stream);
        Ok((Socket::Tls(Box::new(stream)), protocol))
    }

    fn forget_addresses(&self) {
        match &self.route {
            Route::Direct(resolver) | Route::Proxied { resolver, .. } => resolver.forget(),
        }
    }

    /// Connects to the first address that takes it. Each gets its share of the time that is left, so that one
    /// that is silent does not use up all of it.
    async fn connect_any(&self, addresses: &[SocketAddr], deadline: &mut Deadline<'_>) -> Result<TcpStream, SendError> {
        let peer = match self.route {
            Route::Direct(_) => Peer::Destination,
            Route::Proxied { .. } => Peer::Proxy,
        };
        let mut failure = SendError::Broken("destination has no address".to_owned());
        for (tried, address) in addresses.iter().enumerate() {
            let remaining = deadline.remaining(self.shared.clock.now().steady);
            let share = remaining / u32::try_from(addresses.len() - tried).unwrap_or(1);
            #[expect(clippy::disallowed_methods, reason = "the one place; the address has been checked")]
            let connecting = tokio::time::timeout(share, TcpStream::connect(*address));
            failure = match deadline.bound(Step::Connection, connecting).await? {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(error)) => SendError::connecting(peer, &error),
                Err(_) => deadline.missed(Step::Connection),
            };
        }
        Err(failure)
    }
}

fn agreed_protocol(stream: &TlsStream<TcpStream>) -> Protocol {
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() == Some(super::tls::HTTP2) { Protocol::Http2 } else { Protocol::Http1 }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use domain::clock::{Clock, Moment};
    use domain::transport::Transport;
    use hyper::header::HeaderMap;
    use tokio::net::TcpListener;

    use super::*;
    use crate::outbound::{Outbound, OutboundSettings};

    struct StandingClock;

    impl Clock for StandingClock {
        fn now(&self) -> Moment {
            Moment::default()
        }
    }

    #[tokio::test]
    async fn the_next_address_is_tried() {
        let outbound = Outbound::new(OutboundSettings::default(), Arc::new(StandingClock)).unwrap();
        let endpoint = "http://receiver.example/".parse().unwrap();
        let client = outbound.endpoint_client(&endpoint, HeaderMap::new(), &Transport::default()).unwrap();
        let connector = client.connector();
        let timer = pin!(tokio::time::sleep(Duration::from_secs(10)));
        let mut deadline = Deadline { timer, limit: Duration::from_secs(10), started: Duration::ZERO };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let open = listener.local_addr().unwrap();

        let connected = connector.connect_any(&[closed, open], &mut deadline).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), open);
        let failed = connector.connect_any(&[closed, closed], &mut deadline).await.unwrap_err();
        assert_eq!(failed.to_string(), "connection refused");
    }
}
