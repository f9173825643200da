//! An event: its envelope, its opaque payload, and its position in the log.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::ids::{EventId, StreamId, TenantId};

/// A position in the log. Every event has one; they grow in the order of commit, without reuse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The position before the first event.
    pub const ZERO: Self = Self(0);

    /// The position right after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of subject that test events have.
const TEST: &str = "test";

/// What an event is about (`user:auth0|…`): events of one subject reach a receiver in log order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Subject(Box<str>);

impl Subject {
    /// The subject of `kind` (user, organization …) with this id.
    pub fn new(kind: &str, id: &str) -> Self {
        Self(format!("{kind}:{id}").into_boxed_str())
    }

    /// The subject of a test event: none that real events have, so it waits for none of them.
    pub fn of_test(id: EventId) -> Self {
        Self::new(TEST, &id.to_string())
    }

    /// Whether it is that of a test event.
    pub fn is_test(&self) -> bool {
        self.0.strip_prefix(TEST).is_some_and(|rest| rest.starts_with(':'))
    }

    /// The subject as it was stored.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A stable 64-bit fingerprint (FNV-1a). Two subjects that share one are merely delivered in order.
    pub fn fingerprint(&self) -> u64 {
        self.0
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }
}

/// An event that has not been appended to the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Stable across attempts, redeliveries and replays.
    pub id: EventId,
    /// What happened.
    pub event_type: EventType,
    /// Whom it happened to.
    pub subject: Subject,
    /// When it came into being here, which is what retention goes by. `time` of the body may differ: a
    /// producer's clock says what it likes.
    pub time: Timestamp,
    /// The CloudEvent as JSON, complete but for the members that differ from stream to stream.
    pub body: Bytes,
}

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its position.
    pub seq: Seq,
    /// Whose it is.
    pub tenant: TenantId,
    /// The one stream that it is for, if it is not for all: every other reader passes over it.
    pub only_stream: Option<StreamId>,
    /// The event itself.
    pub event: Event,
}

impl LoggedEvent {
    /// Whether `stream` may get it with the log, if it wants events of its type. A test event is delivered out of turn
    /// instead, whatever its stream wants; and what is said of the stream itself would only add to what it cannot deliver.
    pub fn is_for(&self, stream: StreamId) -> bool {
        self.only_stream.is_none_or(|only| only == stream && !self.event.subject.is_test())
            && !(self.event.event_type.is_operational() && self.event.subject.is_of_stream(stream))
    }
}

/// Who raises events: the tenant's name and the value of their `source`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `a0tenant`: the tenant's name.
    pub tenant_name: String,
    /// `source`: `urn:auth0:` and the tenant's domain, lower case, without port.
    pub urn: String,
}

impl Source {
    /// The source of the tenant `name`, reached at `domain` (host, with or without a port).
    pub fn new(name: &str, domain: &str) -> Self {
        let host = match domain.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
            _ => domain,
        };
        Self { tenant_name: name.to_owned(), urn: format!("urn:auth0:{}", host.to_lowercase()) }
    }
}

/// The CloudEvent's members in the catalogue's order; `a0stream` follows for each stream.
#[derive(Serialize)]
pub(crate) struct Envelope<'a, D: ?Sized> {
    pub(crate) specversion: &'static str,
    #[serde(rename = "type")]
    pub(crate) event_type: &'a str,
    pub(crate) source: &'a str,
    pub(crate) id: EventId,
    pub(crate) time: Timestamp,
    pub(crate) data: &'a D,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) a0purpose: Option<&'static str>,
    pub(crate) a0tenant: &'a str,
}

impl<D: Serialize + ?Sized> Envelope<'_, D> {
    /// Writes it; `bytes_expected` saves growing on the way.
    pub(crate) fn render(&self, bytes_expected: usize) -> Bytes {
        let mut body = Vec::with_capacity(bytes_expected);
        serde_json::to_writer(&mut body, self).expect("an envelope has text keys only, so it can be written as JSON");
        body.into()
    }
}

/// Most bodies of our own are smaller.
pub(crate) const BODY_BYTES_USUAL: usize = 1024;

/// Writes the body of a CloudEvent of the catalogue, or of the server, once; [`body_for_stream`] completes it for each stream without
/// parsing it again.
pub fn render_body<D: Serialize>(
    source: &Source,
    id: EventId,
    event_type: EventType,
    time: Timestamp,
    data: &D,
) -> Bytes {
    let envelope = Envelope {
        specversion: "1.0",
        event_type: event_type.name().expect("what the server itself raises has a name of its own"),
        source: &source.urn,
        id,
        time,
        data,
        a0purpose: None,
        a0tenant: &source.tenant_name,
    };
    envelope.render(BODY_BYTES_USUAL)
}

/// How every logged body begins, up to the name of its type.
const BEFORE_TYPE: &[u8] = br#"{"specversion":"1.0","type":""#;

/// The name of an event's type: its own, or the one that a registered type had when the event was logged,
/// which its body says. Empty, should it not be a body as it is logged here.
pub fn type_name(event_type: EventType, body: &[u8]) -> &str {
    if let Some(name) = event_type.name() {
        return name;
    }
    let rest = body.strip_prefix(BEFORE_TYPE).unwrap_or_default();
    let name = rest.split(|byte| *byte == b'"').next().unwrap_or_default();
    std::str::from_utf8(name).unwrap_or_default()
}

/// The `time` that a logged body states.
pub fn time_in_body(body: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Timed {
        time: Timestamp,
    }
    serde_json::from_slice::<Timed>(body).ok().map(|timed| timed.time)
}

/// What is added to a body for one stream: `,"a0stream":"est_…"}`. Made once a stream, not once an event.
pub fn stream_suffix(stream: StreamId) -> Bytes {
    format!(",\"a0stream\":\"{stream}\"}}").into()
}

/// The body that a stream's receiver gets, in two parts that share the logged bytes.
pub fn body_for_stream(body: &Bytes, suffix: &Bytes) -> [Bytes; 2] {
    debug_assert!(body.ends_with(b"}"), "a logged body is a JSON object");
    [body.slice(..body.len().saturating_sub(1)), suffix.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_completed_for_a_stream() {
        let id = EventId::from_number(7);
        let source = Source::new("acme", "Acme.Example:8443");
        let data = serde_json::json!({"object": {"user_id": "auth0|1"}});
        let body = render_body(&source, id, EventType::UserCreated, Timestamp::from_millis(0), &data);
        let stream = StreamId::from_number(9);
        let whole = body_for_stream(&body, &stream_suffix(stream)).concat();
        let json: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(json["source"], "urn:auth0:acme.example");
        assert_eq!(json["a0tenant"], "acme");
        assert_eq!(json["a0stream"], stream.to_string());
        assert_eq!(json["data"], data);
    }

    #[test]
    fn fingerprints_tell_subjects_apart() {
        assert_ne!(Subject::new("user", "a").fingerprint(), Subject::new("user", "b").fingerprint());
    }
}
