//! Parts of a page that change while it is looked at: Server-Sent Events with pieces of HTML, rendered here by the
//! templates of the page. `app.js` puts each where it says. Nothing runs ahead of the socket: the next update is asked
//! for when the last one has been taken.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::error::{PageAnswer, PageError};
use super::operator::Operator;

/// How many live parts are open at once, of all tenants.
pub(crate) const LIVE_MAX: usize = 500;
/// How often the browser is told that the connection lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After how long a connection ends. The browser asks again, and whether it may is looked at again.
const LIFETIME: Duration = Duration::from_secs(240);
/// How long the browser waits before it asks again.
const RETRY_MS: u32 = 2000;

/// A change of a page. `at` is the id of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// New first children, such as rows; the element keeps as many as its `data-keep` says.
    Prepend { at: &'static str, html: String },
    /// Other children.
    Replace { at: &'static str, html: String },
}

/// Where updates come from.
#[async_trait]
pub(crate) trait Source: Send + 'static {
    /// The next update, as soon as there is one; `None` if none will come any more. It may be given up at any time and
    /// asked again: nothing may be lost by that.
    async fn next(&mut self) -> Option<Update>;
}

/// Answers with the updates of a source, for as long as the browser looks.
///
/// # Errors
/// If too many live parts are open.
pub(crate) fn live(operator: &Operator, source: impl Source) -> PageAnswer {
    let seat = Arc::clone(&operator.app.live_seats).try_acquire_owned().map_err(|_| PageError::TooMany)?;
    let following = Following {
        source: Box::new(source),
        ends_at: Box::pin(tokio::time::sleep(LIFETIME)),
        stopping: operator.stopping.clone(),
        _seat: seat,
    };
    let greeting = Bytes::from(format!("retry: {RETRY_MS}\n\n"));
    let body = LiveBody(Some(Box::pin(std::future::ready((greeting, Some(following))))));
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

impl Update {
    fn written(&self) -> Bytes {
        let (event, at, html) = match self {
            Self::Prepend { at, html } => ("prepend", at, html),
            Self::Replace { at, html } => ("replace", at, html),
        };
        Bytes::from(format!("event: {event}\ndata: {}\n\n", json!({ "at": at, "html": html })))
    }
}

struct Following {
    source: Box<dyn Source>,
    ends_at: Pin<Box<tokio::time::Sleep>>,
    stopping: CancellationToken,
    _seat: OwnedSemaphorePermit,
}

impl Following {
    /// What to send next, and who goes on after it.
    async fn step(mut self) -> (Bytes, Option<Self>) {
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => (Bytes::new(), None),
            () = &mut self.ends_at => (Bytes::new(), None),
            update = self.source.next() => match update {
                Some(update) => (update.written(), Some(self)),
                None => (Bytes::from_static(b"event: end\ndata: {}\n\n"), None),
            },
            () = tokio::time::sleep(HEARTBEAT) => (Bytes::from_static(b":\n\n"), Some(self)),
        }
    }
}

type Step = Pin<Box<dyn Future<Output = (Bytes, Option<Following>)> + Send>>;

struct LiveBody(Option<Step>);

impl hyper::body::Body for LiveBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let Some(step) = this.0.as_mut() else { return Poll::Ready(None) };
        let Poll::Ready((frame, following)) = step.as_mut().poll(context) else { return Poll::Pending };
        this.0 = following.map(|following| -> Step { Box::pin(following.step()) });
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_one_event_whatever_its_html() {
        let update = Update::Prepend { at: "rows", html: "<tr>\n\n</tr>".to_owned() };
        assert_eq!(update.written(), "event: prepend\ndata: {\"at\":\"rows\",\"html\":\"<tr>\\n\\n</tr>\"}\n\n");
    }
}
