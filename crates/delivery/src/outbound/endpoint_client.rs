//! The client of one stream's endpoint: an attempt from its start to the end of its answer.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode, Uri};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Shared;
use super::connection::{AnswerLimits, Connection, SharedBody};
use super::connection_pool::ConnectionPool;
use super::deadline::Deadline;
use super::error::{SendError, Step};
use super::resolver::Resolver;
use super::transport::Socket;

/// What every request of a stream begins with.
pub(super) struct RequestHead {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

impl RequestHead {
    fn post(&self, body: [Bytes; 2]) -> Request<SharedBody> {
        let mut request = Request::new(SharedBody::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// The client of one stream's endpoint.
pub(crate) struct EndpointClient {
    pub(super) shared: Arc<Shared>,
    pub(super) head: RequestHead,
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
    pub(super) resolver: Resolver,
    pub(super) pool: Arc<ConnectionPool>,
}

/// An answer to a request.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The first part of the body; empty for a success, whose body does not matter.
    pub(crate) body: Vec<u8>,
}

impl EndpointClient {
    /// Posts a body and answers the answer, all within the time of an attempt.
    ///
    /// A connection from the pool may have been closed by the other side without our noticing: if nothing of an
    /// answer arrives on it, the request is sent once more, on a fresh connection.
    pub(crate) async fn post(&self, body: [Bytes; 2]) -> Result<Answer, SendError> {
        let started = self.shared.clock.now().steady;
        let timer = pin!(tokio::time::sleep(self.shared.settings.attempt_timeout));
        let mut deadline = Deadline { timer, limit: self.shared.settings.attempt_timeout, started };
        if let Some(mut pooled) = self.pool.take(started) {
            match deadline.bound(Step::Answer, pooled.exchange(self.head.post(body.clone()))).await? {
                Ok(response) => return Ok(self.answer(pooled, response, &mut deadline).await),
                Err(error) if pooled.answer_begun() => return Err(SendError::exchange(&error)),
                Err(_closed_while_idle) => {}
            }
        }
        // Boxed, so that the usual case does not carry the state of connecting around.
        let mut fresh = Box::pin(self.connect(&mut deadline)).await?;
        match deadline.bound(Step::Answer, fresh.exchange(self.head.post(body))).await? {
            Ok(response) => Ok(self.answer(fresh, response, &mut deadline).await),
            Err(error) => Err(SendError::exchange(&error)),
        }
    }

    /// The status decides; the body is read for people and so that the connection can be used again. Where it
    /// does not end in time or within its limit, the connection is dropped.
    async fn answer(
        &self,
        mut connection: Box<Connection>,
        response: Response<Incoming>,
        deadline: &mut Deadline<'_>,
    ) -> Answer {
        let (head, body) = response.into_parts();
        let settings = &self.shared.settings;
        let mut kept = Vec::new();
        let wanted = if head.status.is_success() { None } else { Some(&mut kept) };
        let reading = connection.read_body(body, settings.answer_body_bytes_max, wanted);
        let reading = tokio::time::timeout(settings.answer_body_timeout, reading);
        let complete = matches!(deadline.bound(Step::Answer, reading).await, Ok(Ok(true)));
        if complete {
            self.pool.put(connection, self.shared.clock.now().steady);
        }
        Answer { status: head.status, headers: head.headers, body: kept }
    }

    /// The endpoint's addresses that the policy allows; refused if it allows none of them.
    pub(super) async fn allowed_addresses(&self) -> Result<Vec<SocketAddr>, SendError> {
        let candidates = self.resolver.addresses(self.shared.clock.now().steady).await?;
        let mut allowed = Vec::with_capacity(candidates.len());
        let mut refused = None;
        for candidate in candidates.iter() {
            match self.shared.policy.check(candidate.ip()) {
                Ok(()) => allowed.push(*candidate),
                Err(refusal) => {
                    refused.get_or_insert(SendError::AddressRefused { address: candidate.ip(), refusal });
                }
            }
        }
        match refused {
            Some(refused) if allowed.is_empty() => Err(refused),
            _ => Ok(allowed),
        }
    }

    async fn connect(&self, deadline: &mut Deadline<'_>) -> Result<Box<Connection>, SendError> {
        let allowed = deadline.bound(Step::Resolution, self.allowed_addresses()).await??;
        let socket = self.connect_any(&allowed, deadline).await.inspect_err(|_| self.resolver.forget())?;
        // Small requests must not wait for the acknowledgement of the one before. A socket that cannot be told
        // so still works.
        let _slower = socket.set_nodelay(true);
        let socket = match &self.tls {
            None => Socket::Plain(socket),
            Some((connector, name)) => {
                let handshake = connector.connect(name.clone(), socket);
                let stream = deadline.bound(Step::Handshake, handshake).await?;
                Socket::Tls(Box::new(stream.map_err(|error| SendError::handshake(&error))?))
            }
        };
        let limits = AnswerLimits {
            head_bytes_max: self.shared.settings.answer_head_bytes_max,
            body_bytes_max: self.shared.settings.answer_body_bytes_max,
        };
        let opened = Connection::over(socket, limits, self.shared.clock.now().steady).await;
        opened.map(Box::new).map_err(|error| SendError::exchange(&error))
    }

    /// Connects to the first address that takes it. Each gets its share of the time that is left, so that one
    /// that is silent does not use up all of it.
    async fn connect_any(&self, addresses: &[SocketAddr], deadline: &mut Deadline<'_>) -> Result<TcpStream, SendError> {
        let mut failure = SendError::Broken("destination has no address".to_owned());
        for (tried, address) in addresses.iter().enumerate() {
            let remaining = deadline.remaining(self.shared.clock.now().steady);
            let share = remaining / u32::try_from(addresses.len() - tried).unwrap_or(1);
            #[expect(clippy::disallowed_methods, reason = "the one place; the address has been checked")]
            let connecting = tokio::time::timeout(share, TcpStream::connect(*address));
            failure = match deadline.bound(Step::Connection, connecting).await? {
                Ok(Ok(socket)) => return Ok(socket),
                Ok(Err(error)) => SendError::connecting(&error),
                Err(_) => deadline.missed(Step::Connection),
            };
        }
        Err(failure)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::clock::{Clock, Moment};
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
        let client = outbound.endpoint_client(&endpoint, HeaderMap::new()).unwrap();
        let timer = pin!(tokio::time::sleep(Duration::from_secs(10)));
        let mut deadline = Deadline { timer, limit: Duration::from_secs(10), started: Duration::ZERO };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let open = listener.local_addr().unwrap();

        let connected = client.connect_any(&[closed, open], &mut deadline).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), open);
        let failed = client.connect_any(&[closed, closed], &mut deadline).await.unwrap_err();
        assert_eq!(failed.to_string(), "connection refused");
    }
}
