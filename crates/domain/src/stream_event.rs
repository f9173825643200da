//! What the server itself says of event streams: events of types beside the catalogue's, which a tenant subscribes to by
//! their name like any other.

use serde::Serialize;

use crate::catalog::EventType;
use crate::clock::{Entropy, Timestamp};
use crate::delivery::{Alert, AlertKind};
use crate::event::{Event, Source, Subject, render_body};
use crate::ids::{EventId, StreamId};
use crate::stream::StreamStatus;

/// The kind of subject that they have.
const KIND: &str = "event_stream";

/// The stream that something is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldStream<'a> {
    /// Its id.
    pub id: StreamId,
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// Whether it delivers now.
    pub status: StreamStatus,
}

#[derive(Serialize)]
struct Data<'a> {
    object: Object<'a>,
    context: Context<'a>,
}

#[derive(Serialize)]
struct Object<'a> {
    id: StreamId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold_percent: Option<u8>,
    failures_in_row: u32,
    failures_in_row_max: u32,
    failures_outstanding: u32,
    failures_outstanding_max: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<LastError<'a>>,
}

#[derive(Serialize)]
struct LastError<'a> {
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
}

#[derive(Serialize)]
struct Context<'a> {
    tenant: TenantContext<'a>,
}

#[derive(Serialize)]
struct TenantContext<'a> {
    id: &'a str,
}

/// The event that tells of it.
pub fn stream_event(
    alert: &Alert,
    stream: &ToldStream<'_>,
    source: &Source,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Event {
    let (event_type, threshold_percent) = match alert.kind {
        AlertKind::Failing { threshold } => (EventType::StreamFailing, Some(threshold)),
        AlertKind::Disabled => (EventType::StreamDisabled, Some(100)),
        AlertKind::Recovered => (EventType::StreamRecovered, None),
    };
    let last_error = alert.last_failure.as_ref().map(|failure| LastError {
        at: failure.at,
        message: failure.message.as_deref(),
        http_status: failure.http_status,
    });
    let object = Object {
        id: stream.id,
        name: stream.name,
        status: stream.status.name(),
        reason: alert.reason.map(|reason| reason.name()),
        threshold_percent,
        failures_in_row: alert.health.in_row,
        failures_in_row_max: alert.failures_in_row_max,
        failures_outstanding: alert.health.outstanding,
        failures_outstanding_max: alert.failures_outstanding_max,
        last_error,
    };
    let data = Data { object, context: Context { tenant: TenantContext { id: &source.tenant_name } } };
    let id = EventId::generate(now, entropy);
    let subject = Subject::of_stream(stream.id);
    Event { id, event_type, subject, time: now, body: render_body(source, id, event_type, now, &data) }
}

impl Subject {
    /// The subject of what is said of a stream.
    pub fn of_stream(id: StreamId) -> Self {
        Self::new(KIND, &id.to_string())
    }

    /// Whether it is that of what is said of this stream.
    pub fn is_of_stream(&self, id: StreamId) -> bool {
        let rest = self.as_str().strip_prefix(KIND).and_then(|rest| rest.strip_prefix(':'));
        rest.is_some_and(|rest| StreamId::parse(rest) == Ok(id))
    }
}
