//! Webhooks: one POST an event.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::clock::{Clock, Moment};
use domain::delivery::{Failure, FailureKind, Outcome};
use domain::delivery_settings::DeliverySettings;
use domain::destination::{Authorization, HEADERS_RESERVED, Webhook};
use domain::event::stream_suffix;
use domain::secret::Secret;
use domain::stream::EventStream;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Delivery, Destination, retry_after};
use crate::encryption::{self, Encrypter};
use crate::outbound::{Answer, EndpointClient, Outbound, SendError};

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
    encrypter: Option<Encrypter>,
}

impl Sending {
    fn new(stream: &EventStream, webhook: &Webhook, outbound: &Outbound) -> Result<Self, SendError> {
        let DeliverySettings { transport, encryption, .. } = &stream.options.delivery;
        let encrypter =
            encryption.as_ref().map(|encryption| Encrypter::new(encryption, transport, outbound)).transpose()?;
        let content_type = if encrypter.is_some() { encryption::CONTENT_TYPE } else { "application/json" };
        let headers = headers(&webhook.authorization, content_type)?;
        let client = outbound.endpoint_client(webhook.endpoint.url(), headers, transport)?;
        Ok(Self { client, encrypter })
    }

    async fn post(&self, body: [Bytes; 2], started: Moment, clock: &dyn Clock) -> Result<Answer, SendError> {
        let Some(encrypter) = &self.encrypter else { return self.client.send(body, Duration::ZERO).await };
        let body = encrypter.encrypt(&body, Duration::ZERO).await?;
        self.client.send(body, clock.now().steady.saturating_sub(started.steady)).await
    }
}

impl WebhookDestination {
    pub(super) fn new(stream: &EventStream, webhook: &Webhook, outbound: &Outbound) -> Self {
        let endpoint = webhook.endpoint.url();
        Self {
            sending: Sending::new(stream, webhook, outbound),
            endpoint: endpoint.clone(),
            suffix: stream_suffix(stream.id),
            credentials: credentials(&webhook.authorization),
            answer_kept_bytes_max: outbound.settings().answer_kept_bytes_max,
            clock: outbound.clock(),
        }
    }

    async fn post(&self, delivery: &Delivery, started: Moment) -> Result<Answer, SendError> {
        let sending = self.sending.as_ref().map_err(Clone::clone)?;
        sending.post(delivery.body(&self.suffix), started, &*self.clock).await
    }

    fn refused_by_answer(&self, answer: &Answer, started: Moment, ended: Moment) -> Failure {
        let status = answer.status;
        let retry_after = answer.headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| retry_after::parse(value, ended.wall));
        let location = answer.headers.get(header::LOCATION).filter(|_| status.is_redirection());
        let answered = format!("the server answered {}", described(status));
        let message = match location {
            Some(location) => format!("{answered}; redirect to {} not followed", self.place(location)),
            None => answered,
        };
        Failure {
            kind: FailureKind::Status { status: status.as_u16(), retry_after },
            message,
            answer: self.excerpt(&answer.body),
            console: Vec::new(),
            duration: ended.steady.saturating_sub(started.steady),
        }
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
            Err(error) => {
                let (kind, message) = (error.kind(), error.to_string());
                Outcome::Failed(Failure { kind, message, answer: None, console: Vec::new(), duration })
            }
        }
    }
}

fn described(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

fn headers(authorization: &Authorization, content_type: &'static str) -> Result<HeaderMap, SendError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let (name, value) = match authorization {
        Authorization::Bearer { token } => {
            (header::AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose()), "the bearer token")?)
        }
        Authorization::Basic { username, password } => {
            let value = format!("Basic {}", basic_credential(username, password));
            (header::AUTHORIZATION, sensitive(&value, "the basic authorization")?)
        }
        Authorization::CustomHeader { header_key, header_value } => (
            custom_name(header_key)?,
            sensitive(header_value.expose(), &format!("the value of the header {header_key:?}"))?,
        ),
    };
    headers.insert(name, value);
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

fn basic_credential(username: &str, password: &Secret) -> String {
    STANDARD.encode(format!("{username}:{}", password.expose()))
}

/// The texts that an answer could repeat and nobody may read.
fn credentials(authorization: &Authorization) -> Vec<Secret> {
    let mut credentials = vec![authorization.secret().clone()];
    if let Authorization::Basic { username, password } = authorization {
        credentials.push(Secret::new(basic_credential(username, password)));
    }
    credentials.retain(|credential| credential.expose().len() >= CREDENTIAL_HIDDEN_BYTES_MIN);
    credentials
}
