//! One reader's connection: a body whose next part is read from the log when the socket has taken the last one.
//!
//! Nothing runs ahead of the socket. So a reader that does not read costs one chunk, holds up nobody, and is gone
//! as soon as its connection is.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::event::{LoggedEvent, Seq};
use hyper::body::{Body, Frame};
use store::{Heads, PlaceError, ReadLimit, StoreError, TenantLog, Wanted};
use tokio::sync::watch;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::frames::{Ending, Frames};
use super::seats::Seat;

/// What is read at once, and so what one reader holds in memory.
const READ_LIMIT: ReadLimit = ReadLimit { events: 256, bytes: 64 * 1024 };

/// Where a reader starts, and whether it knows that already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// The first position to look at.
    pub(super) position: Seq,
    /// Whether the reader is told it at once: else whoever loses the connection before the first event could not
    /// go on from there.
    pub(super) is_told: bool,
}

/// How long a connection lasts.
pub(super) struct Lifetime {
    /// How often the reader is told where it stands.
    pub(super) heartbeat: Duration,
    /// When it ends, and why.
    pub(super) ends_after: (Duration, Ending),
    /// The server stops.
    pub(super) stopping: CancellationToken,
}

/// The log as one reader follows it.
struct Following {
    log: Arc<dyn TenantLog>,
    wake: watch::Receiver<Heads>,
    wanted: Wanted,
    position: Seq,
}

impl Following {
    /// The next wanted events, as soon as there are some. It may be given up at any time: nothing is passed over.
    async fn next(&mut self) -> Result<Vec<Arc<LoggedEvent>>, Ending> {
        loop {
            while self.position >= self.wake.borrow_and_update().log {
                self.wake.changed().await.map_err(|_| Ending::Failed)?;
            }
            let read = self.log.tenant_events(&self.wanted, self.position, READ_LIMIT).await;
            let chunk = read.map_err(|error| ending_of(&error))?;
            self.position = chunk.next;
            if !chunk.events.is_empty() {
                return Ok(chunk.events);
            }
        }
    }
}

fn ending_of(error: &StoreError) -> Ending {
    if matches!(error, StoreError::Place(PlaceError::Expired)) {
        return Ending::Forgotten;
    }
    tracing::error!(error = error as &dyn std::error::Error, "the log cannot be read for the Events API");
    Ending::Failed
}

struct Subscriber {
    following: Following,
    frames: Frames,
    heartbeat: Duration,
    beat: Pin<Box<Sleep>>,
    end: Pin<Box<Sleep>>,
    ending: Ending,
    stopping: CancellationToken,
    _seat: Seat,
}

impl Subscriber {
    /// What to send next, and who goes on after it.
    async fn step(mut self) -> (Bytes, Option<Self>) {
        // In this order, so that a log that is never read to its end holds up neither the beat nor the end.
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => self.ended(Ending::Cycled),
            () = &mut self.end => {
                let ending = self.ending;
                self.ended(ending)
            }
            () = &mut self.beat => {
                self.beat = Box::pin(tokio::time::sleep(self.heartbeat));
                (self.frames.heartbeat(self.following.position), Some(self))
            }
            read = self.following.next() => match read {
                Ok(events) => (self.frames.events(events.iter().map(|logged| &**logged)), Some(self)),
                Err(ending) => self.ended(ending),
            }
        }
    }

    fn ended(self, ending: Ending) -> (Bytes, Option<Self>) {
        (self.frames.end(ending, self.following.position), None)
    }
}

type Step = Pin<Box<dyn Future<Output = (Bytes, Option<Subscriber>)> + Send>>;

/// The answer to a reader.
pub(super) struct EventBody(Option<Step>);

impl EventBody {
    pub(super) fn new(
        log: Arc<dyn TenantLog>,
        wanted: Wanted,
        start: Start,
        lifetime: Lifetime,
        frames: Frames,
        seat: Seat,
    ) -> Self {
        let (ends_after, ending) = lifetime.ends_after;
        let greeting = frames.greeting(start.is_told.then_some(start.position));
        let subscriber = Subscriber {
            following: Following { wake: log.wake(), log, wanted, position: start.position },
            frames,
            heartbeat: lifetime.heartbeat,
            beat: Box::pin(tokio::time::sleep(lifetime.heartbeat)),
            end: Box::pin(tokio::time::sleep(ends_after)),
            ending,
            stopping: lifetime.stopping,
            _seat: seat,
        };
        Self(Some(Box::pin(std::future::ready((greeting, Some(subscriber))))))
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let Some(step) = this.0.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready((frames, subscriber)) = step.as_mut().poll(context) else { return Poll::Pending };
        this.0 = subscriber.map(|subscriber| -> Step { Box::pin(subscriber.step()) });
        Poll::Ready(Some(Ok(Frame::data(frames))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests;
