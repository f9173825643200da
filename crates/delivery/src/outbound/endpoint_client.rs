//! The client of one stream's endpoint: an attempt from its start to the end of its answer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};

use super::connection::{AnswerLimits, Connection, SharedBody};
use super::connection_pool::ConnectionPool;
use super::connector::{Connector, Protocol};
use super::deadline::Deadline;
use super::error::{SendError, Step};
use super::http2::{self, Http2Answer, Http2Connection, Http2Head};
use super::{OutboundSettings, Shared};

/// What every request of a stream begins with.
pub(super) struct RequestHead {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// The same for HTTP/2, where that is wanted.
    pub(super) http2: Option<Http2Head>,
}

impl RequestHead {
    fn request(&self, body: [Bytes; 2], stamps: &[Stamp]) -> Request<SharedBody> {
        let mut request = Request::new(SharedBody::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        stamp(request.headers_mut(), stamps);
        request
    }
}

/// A header that differs from attempt to attempt. Where the head of the requests holds its place, with whatever value,
/// it takes no memory but its own.
pub(crate) type Stamp = (HeaderName, HeaderValue);

/// Sets the headers that differ.
pub(super) fn stamp(headers: &mut HeaderMap, stamps: &[Stamp]) {
    for (name, value) in stamps {
        headers.insert(name, value.clone());
    }
}

/// Which bodies of answers are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keep {
    /// Those that explain a failure.
    Failures,
    /// All.
    All,
}

/// The client of one stream's endpoint.
pub(crate) struct EndpointClient {
    pub(super) head: RequestHead,
    pub(super) connector: Connector,
    pub(super) pool: Arc<ConnectionPool>,
    pub(super) keep: Keep,
    /// How long an attempt may take as a whole.
    pub(super) attempt_timeout: Duration,
    pub(super) limits: AnswerLimits,
}

/// An answer to a request.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The first part of the body; empty where it does not matter.
    pub(crate) body: Vec<u8>,
    /// Whether that is all of it.
    pub(crate) complete: bool,
}

/// A connection on which nothing has been sent yet by this attempt.
enum Opened {
    Http1(Box<Connection>),
    Http2(Arc<Http2Connection>),
}

impl EndpointClient {
    /// The same with another time for an attempt.
    pub(crate) fn with_attempt_timeout(self, attempt_timeout: Duration) -> Self {
        Self { attempt_timeout, ..self }
    }

    /// Sends a request and answers the answer, all within the time of an attempt, of which `spent` is over.
    ///
    /// A connection from the pool may have been closed by the other side without our noticing: if nothing of an
    /// answer arrives on it, the request is sent once more, on a fresh connection.
    pub(crate) async fn send(&self, body: [Bytes; 2], stamps: &[Stamp], spent: Duration) -> Result<Answer, SendError> {
        let now = self.shared().clock.now().steady;
        let limit = self.attempt_timeout;
        let timer = pin!(tokio::time::sleep(limit.saturating_sub(spent)));
        let mut deadline = Deadline { timer, limit, started: now.saturating_sub(spent) };
        if let Some(shared) = self.pool.shared().and_then(|shared| shared.take(now)) {
            // Boxed, here and below, so that the usual case does not carry the state of the others around.
            if let Some(answered) = Box::pin(self.try_shared(&shared, body.clone(), stamps, &mut deadline)).await? {
                return Ok(answered);
            }
        } else if let Some(mut pooled) = self.pool.take(now) {
            match deadline.bound(Step::Answer, pooled.exchange(self.head.request(body.clone(), stamps))).await? {
                Ok(response) => return Ok(self.answer(pooled, response, &mut deadline).await),
                Err(error) if pooled.answer_begun() => return Err(SendError::exchange(&error)),
                Err(_closed_while_idle) => {}
            }
        }
        match Box::pin(self.open(&mut deadline)).await? {
            Opened::Http1(mut fresh) => {
                match deadline.bound(Step::Answer, fresh.exchange(self.head.request(body, stamps))).await? {
                    Ok(response) => Ok(self.answer(fresh, response, &mut deadline).await),
                    Err(error) => Err(SendError::exchange(&error)),
                }
            }
            Opened::Http2(shared) => {
                let exchange = Box::pin(self.exchange_shared(&shared, body, stamps, &mut deadline)).await?;
                match exchange {
                    Ok(answer) => Ok(self.answer_shared(answer, &mut deadline).await),
                    Err(error) => Err(SendError::exchange_http2(&error)),
                }
            }
        }
    }

    /// Sends on the connection that others use too. `None` if the server never took the request.
    async fn try_shared(
        &self,
        shared: &Http2Connection,
        body: [Bytes; 2],
        stamps: &[Stamp],
        deadline: &mut Deadline<'_>,
    ) -> Result<Option<Answer>, SendError> {
        match self.exchange_shared(shared, body, stamps, deadline).await? {
            Ok(answer) => Ok(Some(self.answer_shared(answer, deadline).await)),
            Err(error) if http2::never_taken(&error) => Ok(None),
            // It was closed while it was idle, as far as this request knows.
            Err(error) if error.is_io() && !shared.is_usable() && !is_own_limit(&error) => Ok(None),
            Err(error) => Err(SendError::exchange_http2(&error)),
        }
    }

    /// A connection on which nothing arrives any more is not used by the next attempt.
    async fn exchange_shared<'a>(
        &self,
        shared: &'a Http2Connection,
        body: [Bytes; 2],
        stamps: &[Stamp],
        deadline: &mut Deadline<'_>,
    ) -> Result<Result<Http2Answer<'a>, h2::Error>, SendError> {
        let Some(head) = &self.head.http2 else {
            return Err(SendError::Broken("the server speaks HTTP/2, which was not offered".to_owned()));
        };
        let before = shared.bytes_received();
        let exchange = shared.exchange(head, self.head.method.clone(), body, stamps);
        let bounded = deadline.bound(Step::Answer, exchange).await;
        if bounded.is_err() && shared.bytes_received() == before {
            shared.retire();
        }
        bounded
    }

    async fn answer_shared(&self, answer: Http2Answer<'_>, deadline: &mut Deadline<'_>) -> Answer {
        let Http2Answer { response, in_flight: _until_read } = answer;
        let (head, mut body) = response.into_parts();
        let mut kept = Vec::new();
        let wanted = if self.keeps(head.status) { Some(&mut kept) } else { None };
        let reading = http2::read_body(&mut body, self.limits.body_bytes_max, wanted);
        let reading = tokio::time::timeout(self.settings().answer_body_timeout, reading);
        let complete = matches!(deadline.bound(Step::Answer, reading).await, Ok(Ok(true)));
        Answer { status: head.status, headers: head.headers, body: kept, complete }
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
        let mut kept = Vec::new();
        let wanted = if self.keeps(head.status) { Some(&mut kept) } else { None };
        let reading = connection.read_body(body, self.limits.body_bytes_max, wanted);
        let reading = tokio::time::timeout(self.settings().answer_body_timeout, reading);
        let complete = matches!(deadline.bound(Step::Answer, reading).await, Ok(Ok(true)));
        if complete {
            self.pool.put(connection, self.shared().clock.now().steady);
        }
        Answer { status: head.status, headers: head.headers, body: kept, complete }
    }

    /// Connects. Where the receiver may speak HTTP/2 one attempt connects and the others wait for what comes of it.
    async fn open(&self, deadline: &mut Deadline<'_>) -> Result<Opened, SendError> {
        let Some(slot) = self.pool.shared() else {
            let (socket, _) = self.connector.connect(deadline).await?;
            return self.open_http1(socket).await;
        };
        let _turn = deadline.bound(Step::Connection, slot.turn()).await?;
        if let Some(shared) = slot.take(self.shared().clock.now().steady) {
            return Ok(Opened::Http2(shared));
        }
        let (socket, protocol) = self.connector.connect(deadline).await?;
        slot.spoken(protocol);
        if protocol == Protocol::Http1 {
            return self.open_http1(socket).await;
        }
        let now = self.shared().clock.now().steady;
        let opened = Http2Connection::over(socket, self.limits, now, self.attempt_timeout);
        let opened = deadline.bound(Step::Answer, opened).await?;
        let (connection, driver) = opened.map_err(|error| SendError::exchange_http2(&error))?;
        Ok(Opened::Http2(slot.put(connection, driver, now)))
    }

    async fn open_http1(&self, socket: super::transport::Socket) -> Result<Opened, SendError> {
        let opened = Connection::over(socket, self.limits, self.shared().clock.now().steady).await;
        opened.map(|connection| Opened::Http1(Box::new(connection))).map_err(|error| SendError::exchange(&error))
    }

    fn keeps(&self, status: StatusCode) -> bool {
        self.keep == Keep::All || !status.is_success()
    }

    /// How it connects.
    pub(super) const fn connector(&self) -> &Connector {
        &self.connector
    }

    fn shared(&self) -> &Shared {
        &self.connector.shared
    }

    fn settings(&self) -> &OutboundSettings {
        &self.shared().settings
    }
}

/// Whether the connection was closed by us, because too much arrived on it.
fn is_own_limit(error: &h2::Error) -> bool {
    error.get_io().is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData)
}
