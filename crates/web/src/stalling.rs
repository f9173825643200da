//! A socket whose peer takes nothing: after some time, writing to it fails.
//!
//! Without that, an answer to somebody who does not read would hold its connection for as long as TCP lets it.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

/// How long a peer may take nothing while the server stops.
const WHILE_STOPPING_MAX: Duration = Duration::from_secs(1);

/// A stream whose writes fail when the peer takes nothing for too long.
pub(crate) struct Stalling<S> {
    stream: S,
    limit: Duration,
    stopping: CancellationToken,
    waiting: Option<Waiting>,
}

struct Waiting {
    until: Pin<Box<Sleep>>,
    while_stopping: bool,
}

impl<S: AsyncWrite + Unpin> Stalling<S> {
    /// Lets the peer take nothing for `limit`, or for a moment once the server is `stopping`.
    pub(crate) fn new(stream: S, limit: Duration, stopping: CancellationToken) -> Self {
        Self { stream, limit, stopping, waiting: None }
    }

    fn bounded<T>(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let written = write(Pin::new(&mut self.stream), context);
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let while_stopping = self.stopping.is_cancelled();
        let limit = if while_stopping { self.limit.min(WHILE_STOPPING_MAX) } else { self.limit };
        let waiting = self.waiting.take().filter(|waiting| waiting.while_stopping == while_stopping);
        let mut waiting =
            waiting.unwrap_or_else(|| Waiting { until: Box::pin(tokio::time::sleep(limit)), while_stopping });
        let ended = waiting.until.as_mut().poll(context);
        self.waiting = Some(waiting);
        ended.map(|()| Err(Error::new(ErrorKind::TimedOut, "the peer takes nothing of what is sent to it")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.bounded(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.bounded(context, |stream, context| stream.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.bounded(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.bounded(context, |stream, context| stream.poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(3600);
    const PATIENCE: Duration = Duration::from_secs(30);

    fn stalling(limit: Duration) -> (Stalling<DuplexStream>, DuplexStream, CancellationToken) {
        let ((near, far), stopping) = (tokio::io::duplex(8), CancellationToken::new());
        (Stalling::new(near, limit, stopping.clone()), far, stopping)
    }

    #[tokio::test]
    async fn writing_to_somebody_who_takes_nothing_fails() {
        let (mut stream, _far, _) = stalling(SHORT);
        let written = tokio::time::timeout(PATIENCE, stream.write_all(&[0; 64])).await.unwrap();
        assert_eq!(written.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn somebody_who_takes_a_little_at_a_time_is_waited_for() {
        let (mut stream, mut far, _) = stalling(SHORT);
        let slowly = async {
            let mut taken = [0; 4];
            for _ in 0..16 {
                tokio::time::sleep(SHORT / 5).await;
                far.read_exact(&mut taken).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(stream.write_all(&[0; 64]), slowly);
        written.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_stops_does_not_wait_long() {
        let (mut stream, _far, stopping) = stalling(LONG);
        let mut writing = Box::pin(stream.write_all(&[0; 64]));
        assert!(tokio::time::timeout(SHORT, &mut writing).await.is_err(), "it waits as long as it is served");
        stopping.cancel();
        let written = tokio::time::timeout(PATIENCE, writing).await.unwrap();
        assert_eq!(written.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
