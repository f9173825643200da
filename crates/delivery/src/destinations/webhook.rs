//! Webhooks: one POST an event.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::clock::{Clock, Moment};
use domain::delivery::{Failure, FailureKind, Outcome, retry_after};
use domain::delivery_settings::DeliverySettings;
use domain::destination::{Authorization, HEADERS_RESERVED, Webhook};
use domain::event::{LoggedEvent, Seq, stream_suffix};
use domain::secret::Secret;
use domain::stream::EventStream;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use store::Offsets;
use url::Url;

use super::signer::{self, Signer};
use super::{Delivery, Destination};
use crate::encryption::{self, Encrypter};
use crate::outbound::{Answer, EndpointClient, Outbound, SendError};

/// The position in the log right after the event, as `GET /api/v2/events` takes it.
const OFFSET: HeaderName = HeaderName::from_static("headwater-offset");

/// The shortest credential that is looked for in answers; hiding shorter ones would show where they were.
const CREDENTIAL_HIDDEN_BYTES_MIN: usize = 6;

/// The longest part of a redirect's target that is shown.
const LOCATION_CHARS_MAX: usize = 200;

/// A stream's webhook.
pub(super) struct WebhookDestination {
    /// What cannot be sent as configured fails with every delivery, where its owner sees it.
    sending: Result<Sending, SendError>,
    endpoint: Url,
    suffix: Bytes,
    credentials: Vec<Secret>,
    answer_kept_bytes_max: usize,
    clock: Arc<dyn Clock>,
}

/// How a delivery is sent.
struct Sending {
    client: EndpointClient,
    /// Left out where the owner authorizes with the very header.
    offsets: Option<Arc<Offsets>>,
    signer: Option<Signer>,
    encrypter: Option<Encrypter>,
}

impl Sending {
    fn new(
        stream: &EventStream,
        webhook: &Webhook,
        outbound: &Outbound,
        offsets: Arc<Offsets>,
    ) -> Result<Self, SendError> {
        let settings = &stream.options.delivery;
        let DeliverySettings { transport, encryption, signing, .. } = settings;
        let timeout = settings.timeout.unwrap_or(outbound.settings().attempt_timeout);
        let encrypter = encryption.as_ref().map(|encryption| Encrypter::new(encryption, transport, outbound, timeout));
        let encrypter = encrypter.transpose()?;
        let content_type = if encrypter.is_some() { encryption::CONTENT_TYPE } else { "application/json" };
        let headers = headers(&webhook.authorization, settings, content_type)?;
        let client = outbound.endpoint_client(webhook.endpoint.url(), headers, transport)?;
        Ok(Self {
            client: client.with_attempt_timeout(timeout),
            offsets: Some(offsets).filter(|_| !authorizes_by(&webhook.authorization, &OFFSET)),
            signer: signing.as_ref().map(Signer::new),
            encrypter,
        })
    }

    async fn post(
        &self,
        event: &LoggedEvent,
        body: [Bytes; 2],
        started: Moment,
        clock: &dyn Clock,
    ) -> Result<Answer, SendError> {
        let (body, spent) = match &self.encrypter {
            None => (body, Duration::ZERO),
            Some(encrypter) => {
                let body = encrypter.encrypt(&body, Duration::ZERO).await?;
                (body, clock.now().steady.saturating_sub(started.steady))
            }
        };
        let offset = self.offsets.as_ref().map(|offsets| (OFFSET, offset_value(offsets, event.seq)));
        let Some(signer) = &self.signer else { return self.client.send(body, offset.as_slice(), spent).await };
        let mut stamps = signer.sign(event.event.id, started.wall, &body).to_vec();
        stamps.extend(offset);
        self.client.send(body, &stamps, spent).await
    }
}

impl WebhookDestination {
    pub(super) fn new(stream: &EventStream, webhook: &Webhook, outbound: &Outbound, offsets: Arc<Offsets>) -> Self {
        let endpoint = webhook.endpoint.url();
        Self {
            sending: Sending::new(stream, webhook, outbound, offsets),
            endpoint: endpoint.clone(),
            suffix: stream_suffix(stream.id),
            credentials: credentials(&webhook.authorization),
            answer_kept_bytes_max: outbound.settings().answer_kept_bytes_max,
            clock: outbound.clock(),
        }
    }

    async fn post(&self, delivery: &Delivery, started: Moment) -> Result<Answer, SendError> {
        let sending = self.sending.as_ref().map_err(Clone::clone)?;
        sending.post(&delivery.event, delivery.body(&self.suffix), started, &*self.clock).await
    }

    fn refused_by_answer(&self, answer: &Answer, started: Moment, ended: Moment) -> Failure {
        let status = answer.status;
        let asked = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = asked.and_then(|text| retry_after(text, ended.wall));
        let location = answer.headers.get(header::LOCATION).filter(|_| status.is_redirection());
        let answered = format!("the server answered {}", described(status));
        let message = match location {
            Some(location) => format!("{answered}; redirect to {} not followed", self.place(location)),
            None => answered,
        };
        let kind = FailureKind::Status { status: status.as_u16(), retry_after };
        let duration = ended.steady.saturating_sub(started.steady);
        Failure { answer: self.excerpt(&answer.body), ..Failure::new(kind, message, duration) }
    }

    /// A redirect's target without what may be secret in it.
    fn place(&self, location: &HeaderValue) -> String {
        let target = location.to_str().ok().and_then(|text| self.endpoint.join(text).ok());
        let Some(target) = target else { return "elsewhere".to_owned() };
        let shown = match target.host_str() {
            Some(_) => &target[..url::Position::BeforeUsername],
            None => target.scheme(),
        };
        let rest = &target[url::Position::BeforeHost..url::Position::AfterPath];
        self.without_credentials(format!("{shown}{rest}")).chars().take(LOCATION_CHARS_MAX).collect()
    }

    /// The beginning of an answer as text.
    fn excerpt(&self, body: &[u8]) -> Option<String> {
        if body.is_empty() {
            return None;
        }
        let mut text = self.without_credentials(String::from_utf8_lossy(body).into_owned());
        text.truncate(text.floor_char_boundary(self.answer_kept_bytes_max));
        Some(text.chars().map(|each| if each.is_control() { ' ' } else { each }).collect())
    }

    /// Receivers under construction like to answer with the headers they got.
    fn without_credentials(&self, text: String) -> String {
        self.credentials.iter().fold(text, |text, credential| text.replace(credential.expose(), "***"))
    }
}

#[async_trait]
impl Destination for WebhookDestination {
    async fn deliver(&self, delivery: Delivery) -> Outcome {
        let started = self.clock.now();
        let posted = self.post(&delivery, started).await;
        let ended = self.clock.now();
        let duration = ended.steady.saturating_sub(started.steady);
        match posted {
            Ok(answer) if answer.status.is_success() => Outcome::Delivered { duration },
            Ok(answer) => Outcome::Failed(self.refused_by_answer(&answer, started, ended)),
            Err(error) => Outcome::Failed(Failure::new(error.kind(), error.to_string(), duration)),
        }
    }
}

fn described(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn offset_value(offsets: &Offsets, seq: Seq) -> HeaderValue {
    HeaderValue::from_bytes(offsets.text_after_event(seq).as_bytes()).expect("base64 can be sent")
}

fn authorizes_by(authorization: &Authorization, name: &HeaderName) -> bool {
    matches!(
        authorization,
        Authorization::CustomHeader { header_key, .. } if header_key.eq_ignore_ascii_case(name.as_str())
    )
}

/// What every request of the stream begins with; the places of what differs are held.
fn headers(
    authorization: &Authorization,
    settings: &DeliverySettings,
    content_type: &'static str,
) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::new();
    for (name, value) in settings.headers.as_map() {
        let value = HeaderValue::from_str(value)
            .map_err(|_| SendError::Unsendable(format!("the value of the header {name:?} cannot be sent")))?;
        headers.insert(custom_name(name)?, value);
    }
    headers.insert(OFFSET, HeaderValue::from_static(""));
    if settings.signing.is_some() {
        for name in [signer::ID, signer::TIMESTAMP, signer::SIGNATURE] {
            headers.insert(name, HeaderValue::from_static(""));
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let (name, what) = match authorization {
        Authorization::Bearer { .. } => (header::AUTHORIZATION, "the bearer token".to_owned()),
        Authorization::Basic { .. } => (header::AUTHORIZATION, "the basic authorization".to_owned()),
        Authorization::CustomHeader { header_key, .. } => {
            (custom_name(header_key)?, format!("the value of the header {header_key:?}"))
        }
    };
    headers.insert(name, sensitive(authorization.header().1.expose(), &what)?);
    Ok(headers)
}

fn custom_name(given: &str) -> Result<HeaderName, SendError> {
    let name = HeaderName::from_bytes(given.as_bytes())
        .map_err(|_| SendError::Unsendable(format!("the header name {given:?} cannot be sent")))?;
    if HEADERS_RESERVED.contains(&name.as_str()) {
        return Err(SendError::Unsendable(format!("the header {name} is set by the server itself")));
    }
    Ok(name)
}

fn sensitive(text: &str, what: &str) -> Result<HeaderValue, SendError> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
        SendError::Unsendable(format!("{what} cannot be sent: it contains control characters or line breaks"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The texts that an answer could repeat and nobody may read.
fn credentials(authorization: &Authorization) -> Vec<Secret> {
    let mut credentials = vec![authorization.secret().clone()];
    if matches!(authorization, Authorization::Basic { .. }) {
        let (_, value) = authorization.header();
        credentials.extend(value.expose().strip_prefix("Basic ").map(Secret::new));
    }
    credentials.retain(|credential| credential.expose().len() >= CREDENTIAL_HIDDEN_BYTES_MIN);
    credentials
}
