//! One HTTP/2 connection, which the attempts of one stream share. A task of its own drives it; whatever its peer
//! sends, no more of it is taken in than the requests on it account for.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use tokio_util::sync::CancellationToken;

use super::connection::AnswerLimits;
use super::endpoint_client::{Stamp, stamp};
use super::transport::{Received, Socket, Transport};

/// What all answers on a connection may have on their way to us at once.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// The smallest window of a request and frame that the protocol knows.
const WINDOW_BYTES_MIN: u32 = 16 * 1024;

/// What a peer may send besides answers: settings, and whatever keeps a connection alive.
const BESIDE_ANSWERS_BYTES: usize = 64 * 1024;

/// Streams that we have reset and whose frames may still arrive.
const RESET_STREAMS_MAX: usize = 128;

/// What every request of a stream begins with.
pub(super) struct Http2Head {
    /// With scheme and authority.
    pub(super) uri: Uri,
    /// Without those that belong to a connection.
    pub(super) headers: HeaderMap,
}

/// A connection to a checked address.
pub(super) struct Http2Connection {
    sender: SendRequest<Bytes>,
    received: Received,
    answer_bytes_max: usize,
    in_flight: AtomicUsize,
    /// Takes no new requests; it ends when those on it have.
    retired: CancellationToken,
    /// When it was made, by the steady clock.
    pub(super) opened_at: Duration,
}

/// An answer whose head has arrived. As long as it lives, the connection counts its request as in flight.
pub(super) struct Http2Answer<'a> {
    pub(super) response: Response<RecvStream>,
    pub(super) in_flight: InFlight<'a>,
}

pub(super) struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Http2Connection {
    /// Prepares a connection over `socket`; what drives it is answered beside it, and ends by itself, at the
    /// latest `end_max` after the connection was retired.
    pub(super) async fn over(
        socket: Socket,
        limits: AnswerLimits,
        now: Duration,
        end_max: Duration,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), h2::Error> {
        let received = Received::default();
        let answer_bytes_max = limits.head_bytes_max + limits.body_bytes_max + BESIDE_ANSWERS_BYTES;
        received.allow(BESIDE_ANSWERS_BYTES, answer_bytes_max);
        let transport = Transport { socket, received: received.clone() };
        let bounded = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let window = bounded(limits.body_bytes_max).clamp(WINDOW_BYTES_MIN, CONNECTION_WINDOW_BYTES);
        let (sender, connection) = Builder::new()
            .enable_push(false)
            // Without a table there is nothing that a few bytes could blow up into many.
            .header_table_size(0)
            .max_header_list_size(bounded(limits.head_bytes_max))
            .max_frame_size(WINDOW_BYTES_MIN)
            .initial_window_size(window)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_concurrent_reset_streams(RESET_STREAMS_MAX)
            .handshake::<_, Bytes>(transport)
            .await?;
        let retired = CancellationToken::new();
        let told = retired.clone();
        let driver = async move {
            let mut connection = pin!(connection);
            tokio::select! {
                _ended = connection.as_mut() => return,
                () = told.cancelled() => {}
            }
            // Its requests learn from themselves how they ended.
            let _ended = tokio::time::timeout(end_max, connection).await;
        };
        let in_flight = AtomicUsize::new(0);
        Ok((Self { sender, received, answer_bytes_max, in_flight, retired, opened_at: now }, driver))
    }

    /// Sends a request and waits for the head of the answer. Dropping this resets the request, not the connection.
    pub(super) async fn exchange(
        &self,
        head: &Http2Head,
        method: Method,
        body: [Bytes; 2],
        stamps: &[Stamp],
    ) -> Result<Http2Answer<'_>, h2::Error> {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        let in_flight = InFlight(&self.in_flight);
        let ceiling = self.answer_bytes_max.saturating_mul(self.in_flight.load(Ordering::Acquire) + 1);
        self.received.allow(self.answer_bytes_max, ceiling);
        let mut sender = self.sender.clone().ready().await?;
        let (answer, mut sending) = sender.send_request(request(head, method, &body, stamps), is_empty(&body))?;
        if !is_empty(&body) {
            let [first, second] = body;
            if second.is_empty() {
                sending.send_data(first, true)?;
            } else {
                sending.send_data(first, false)?;
                sending.send_data(second, true)?;
            }
        }
        Ok(Http2Answer { response: answer.await?, in_flight })
    }

    /// How many bytes have arrived in all.
    pub(super) fn bytes_received(&self) -> usize {
        self.received.bytes()
    }

    /// Lets it take no new requests.
    pub(super) fn retire(&self) {
        self.retired.cancel();
    }

    /// Whether it takes requests.
    pub(super) fn is_usable(&self) -> bool {
        let mut sender = self.sender.clone();
        let lost = matches!(sender.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(_)));
        !lost && !self.retired.is_cancelled()
    }

    /// Whether nobody waits for an answer on it.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) == 0
    }
}

impl Drop for Http2Connection {
    fn drop(&mut self) {
        self.retired.cancel();
    }
}

/// Whether the server says that it has not looked at the request, or never got it: sending it once more on another
/// connection is no second delivery.
pub(super) fn never_taken(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// Reads the body of an answer up to `bytes_max`, and keeps it if it is wanted. What was kept stays when this is
/// cancelled.
pub(super) async fn read_body(body: &mut RecvStream, bytes_max: usize, mut kept: Option<&mut Vec<u8>>) -> bool {
    let mut read = 0;
    while let Some(data) = poll_fn(|cx| body.poll_data(cx)).await {
        let Ok(data) = data else { return false };
        let within = data.len().min(bytes_max - read);
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&data[..within]);
        }
        if within < data.len() {
            return false;
        }
        read += within;
        if body.flow_control().release_capacity(data.len()).is_err() {
            return false;
        }
    }
    true
}

fn request(head: &Http2Head, method: Method, body: &[Bytes; 2], stamps: &[Stamp]) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    stamp(request.headers_mut(), stamps);
    if method != Method::GET {
        let length = body.iter().map(Bytes::len).sum::<usize>();
        request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *request.method_mut() = method;
    request
}

fn is_empty(body: &[Bytes; 2]) -> bool {
    body.iter().all(Bytes::is_empty)
}
