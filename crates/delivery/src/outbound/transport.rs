//! The bytes below HTTP: plain or TLS, counted, and cut off where an answer does not end.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connected socket.
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How many bytes have arrived, and how many may.
#[derive(Clone, Default)]
pub(super) struct Received(Arc<Counters>);

#[derive(Default)]
struct Counters {
    bytes: AtomicUsize,
    allowed: AtomicUsize,
}

impl Received {
    /// Counts anew, for an answer of at most `allowed` bytes.
    pub(super) fn begin(&self, allowed: usize) {
        self.0.bytes.store(0, Ordering::Relaxed);
        self.0.allowed.store(allowed, Ordering::Relaxed);
    }

    /// Lets `more` bytes arrive, but never more than `ceiling` from now on.
    pub(super) fn allow(&self, more: usize, ceiling: usize) {
        let bytes = self.bytes();
        let raised = |allowed: usize| Some(allowed.max(bytes).saturating_add(more).min(bytes.saturating_add(ceiling)));
        let _always_raised = self.0.allowed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, raised);
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) -> io::Result<()> {
        let arrived = self.0.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if arrived > self.0.allowed.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"));
        }
        Ok(())
    }
}

/// A socket that counts what it reads and stops at a limit: whatever a receiver sends (informational answers,
/// tiny chunks, endless headers, frames that belong to no answer), no more of it is taken in.
pub(super) struct Transport {
    pub(super) socket: Socket,
    pub(super) received: Received,
}

macro_rules! on_socket {
    ($transport:ident, $socket:ident => $call:expr) => {
        match &mut $transport.get_mut().socket {
            Socket::Plain(socket) => {
                let $socket = Pin::new(socket);
                $call
            }
            Socket::Tls(socket) => {
                let $socket = Pin::new(socket.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let transport = self.as_mut();
        ready!(on_socket!(transport, socket => socket.poll_read(cx, buf)))?;
        Poll::Ready(self.received.add(buf.filled().len() - before))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        on_socket!(self, socket => socket.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_socket!(self, socket => socket.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Tls(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_socket!(self, socket => socket.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_socket!(self, socket => socket.poll_shutdown(cx))
    }
}
