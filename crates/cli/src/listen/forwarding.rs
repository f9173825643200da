//! One attempt to forward an event: the request that a stream would send (docs/webhooks.md), to a program near by.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::{Clock, Moment};
use domain::delivery::{Failure, FailureKind, retry_after};
use domain::destination::Authorization;
use domain::signing::HmacSecret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};

use super::authorization::header_of;
use super::signer::Signer;
use crate::client::{ClientError, http_client};
use crate::events_api::StreamedEvent;

/// One attempt as a whole, as the server's own are.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of an answer at most; then the connection is given up.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What is shown of an answer.
const ANSWER_SHOWN_BYTES_MAX: usize = 200;

const OFFSET: HeaderName = HeaderName::from_static("headwater-offset");
const USER_AGENT: &str = concat!("headwater/", env!("CARGO_PKG_VERSION"));

/// Where events are forwarded to, and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The program's address.
    pub(super) endpoint: Url,
    /// How it knows the sender.
    pub(super) authorization: Option<Authorization>,
    /// What requests are signed with.
    pub(super) signing: Option<HmacSecret>,
}

/// Sends events to a target.
pub(super) struct Forwarder {
    http: reqwest::Client,
    endpoint: Url,
    headers: HeaderMap,
    signer: Option<Signer>,
    clock: Arc<dyn Clock>,
}

/// What came of an attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The status of the answer, if there was one.
    pub(super) status: Option<u16>,
    /// How long it took.
    pub(super) duration: Duration,
    /// Why it failed, if it did.
    pub(super) failure: Option<Failure>,
}

impl Forwarder {
    /// Prepares to send to `target`, whose certificate may come from the authorities in `extra_ca` too.
    ///
    /// # Errors
    /// [`ClientError::Settings`] if TLS cannot be set up.
    pub(super) fn new(target: &Target, extra_ca: Option<&[u8]>, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some((name, value)) = target.authorization.as_ref().and_then(header_of) {
            headers.insert(name, value);
        }
        Ok(Self {
            http: http_client(&target.endpoint, extra_ca, USER_AGENT)?,
            endpoint: target.endpoint.clone(),
            headers,
            signer: target.signing.as_ref().map(Signer::new),
            clock,
        })
    }

    /// Sends an event once.
    pub(super) async fn post(&self, event: &StreamedEvent) -> Attempt {
        let started = self.clock.now();
        let answered = tokio::time::timeout(ATTEMPT_TIMEOUT, self.exchange(event, started)).await;
        let ended = self.clock.now();
        let duration = ended.steady.saturating_sub(started.steady);
        let failed =
            |kind, message: String, answer| Some(Failure { kind, message, answer, console: Vec::new(), duration });
        let (status, failure) = match answered {
            Err(_) => (None, failed(FailureKind::Timeout, "no answer within 10 s".into(), None)),
            Ok(Err(reason)) => (None, failed(FailureKind::Unreachable, reason, None)),
            Ok(Ok((status, _, _))) if status.is_success() => (Some(status), None),
            Ok(Ok((status, headers, body))) => {
                let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let retry_after = asked.and_then(|text| retry_after(text, ended.wall));
                let kind = FailureKind::Status { status: status.as_u16(), retry_after };
                (Some(status), failed(kind, format!("it answered {status}"), excerpt(&body)))
            }
        };
        Attempt { status: status.map(|status| status.as_u16()), duration, failure }
    }

    async fn exchange(
        &self,
        event: &StreamedEvent,
        started: Moment,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), String> {
        let mut headers = self.headers.clone();
        if let Ok(offset) = HeaderValue::from_str(&event.offset) {
            // Whoever authorizes with the very header does without the offset, as with a stream.
            headers.entry(OFFSET).or_insert(offset);
        }
        if let Some(signer) = &self.signer {
            signer.sign(&mut headers, &event.id, started.wall, event.body.as_bytes());
        }
        let request = self.http.post(self.endpoint.clone()).headers(headers).body(event.body.to_string());
        let mut response = request.send().await.map_err(|error| first_cause(&error))?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let body = read(response).await?;
        Ok((status, headers, body))
    }
}

/// Reads an answer, as far as it is of interest.
async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| first_cause(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(body)
}

fn first_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The beginning of an answer as text on one line.
fn excerpt(body: &[u8]) -> Option<String> {
    let mut text = String::from_utf8_lossy(body).trim().to_owned();
    text.truncate(text.floor_char_boundary(ANSWER_SHOWN_BYTES_MAX));
    let text: String = text.chars().map(|each| if each.is_control() { ' ' } else { each }).collect();
    Some(text).filter(|text| !text.is_empty())
}
