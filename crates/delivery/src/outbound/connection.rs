//! One HTTP/1.1 connection, driven by whoever uses it: there is no task behind it, so dropping it closes it, and
//! an answer costs no wake-up of another task.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::transport::{Received, Socket, Transport};

/// The least that the HTTP implementation takes for its buffer.
const BUFFER_BYTES_MIN: usize = 8192;

/// A connection to a checked address.
pub(super) struct Connection {
    sender: http1::SendRequest<SharedBody>,
    /// `None` once the connection has ended.
    driver: Option<http1::Connection<TokioIo<Transport>, SharedBody>>,
    received: Received,
    answer_bytes_max: usize,
    /// When it was made, by the steady clock.
    pub(super) opened_at: Duration,
    /// Since when it has waited for its next use.
    pub(super) idle_since: Duration,
}

/// How much of an answer is taken in.
#[derive(Clone, Copy)]
pub(super) struct AnswerLimits {
    /// Status line and headers.
    pub(super) head_bytes_max: usize,
    /// The body.
    pub(super) body_bytes_max: usize,
}

impl Connection {
    /// Prepares an HTTP/1.1 connection over `socket`.
    pub(super) async fn over(socket: Socket, limits: AnswerLimits, now: Duration) -> Result<Self, hyper::Error> {
        let received = Received::default();
        let buffer_bytes_max = limits.head_bytes_max.max(BUFFER_BYTES_MIN);
        // Room for one read beyond the limits: it is they that should speak first.
        let answer_bytes_max = 2 * buffer_bytes_max + limits.body_bytes_max;
        received.begin(answer_bytes_max);
        let transport = Transport { socket, received: received.clone() };
        let (sender, driver) =
            http1::Builder::new().max_buf_size(buffer_bytes_max).handshake(TokioIo::new(transport)).await?;
        Ok(Self { sender, driver: Some(driver), received, answer_bytes_max, opened_at: now, idle_since: now })
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn exchange(&mut self, request: Request<SharedBody>) -> Result<Response<Incoming>, hyper::Error> {
        self.received.begin(self.answer_bytes_max);
        let mut answer = pin!(self.sender.send_request(request));
        poll_fn(|cx| {
            drive(&mut self.driver, cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// Whether any byte has arrived since the last request was sent.
    pub(super) fn answer_begun(&self) -> bool {
        self.received.bytes() > 0
    }

    /// Reads the body of the answer up to `bytes_max`, and keeps it if it is wanted. Answers whether it came to
    /// its proper end. What was kept stays when this is cancelled.
    pub(super) async fn read_body(
        &mut self,
        mut body: Incoming,
        bytes_max: usize,
        mut kept: Option<&mut Vec<u8>>,
    ) -> bool {
        let mut read = 0;
        while !body.is_end_stream() {
            let frame = poll_fn(|cx| {
                drive(&mut self.driver, cx);
                Pin::new(&mut body).poll_frame(cx)
            });
            match frame.await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    let data = frame.data_ref().map_or(&[][..], |data| data);
                    let within = data.len().min(bytes_max - read);
                    if let Some(kept) = &mut kept {
                        kept.extend_from_slice(&data[..within]);
                    }
                    if within < data.len() {
                        return false;
                    }
                    read += within;
                }
            }
        }
        true
    }

    /// Whether it can take a request now: the last answer is complete, and the other side has not closed it.
    pub(super) fn is_usable(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// Does what can be done now. An ended driver is dropped, which ends whatever waits for it.
fn drive(driver: &mut Option<http1::Connection<TokioIo<Transport>, SharedBody>>, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && Pin::new(running).poll(cx).is_ready()
    {
        *driver = None;
    }
}

/// A body in two parts that are shared with other requests.
pub(super) struct SharedBody {
    parts: [Bytes; 2],
    next: usize,
}

impl SharedBody {
    pub(super) const fn new(parts: [Bytes; 2]) -> Self {
        Self { parts, next: 0 }
    }

    fn remaining(&self) -> usize {
        self.parts[self.next..].iter().map(Bytes::len).sum()
    }
}

impl Body for SharedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.next < self.parts.len() {
            let part = self.next;
            self.next += 1;
            let part = std::mem::take(&mut self.parts[part]);
            if !part.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.remaining()).unwrap_or(u64::MAX))
    }
}
