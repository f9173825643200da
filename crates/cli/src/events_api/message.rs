//! What the messages of the Events API say.

use std::fmt;

use domain::catalog::EventType;
use domain::clock::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An event as it came.
#[derive(Clone, Debug)]
pub(crate) struct StreamedEvent {
    /// Where to go on after it.
    pub(crate) offset: String,
    /// Its type's name.
    pub(crate) event_type: String,
    /// Its `id`.
    pub(crate) id: String,
    /// Its `source`.
    pub(crate) source: String,
    /// Its `time`, where that is one.
    pub(crate) time: Option<Timestamp>,
    /// The CloudEvent, byte for byte.
    pub(crate) body: Box<str>,
}

/// The thing that an event is about: its kind and its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EventSubject {
    kind: &'static str,
    id: String,
}

impl fmt::Display for EventSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

#[derive(Deserialize)]
struct EventData {
    offset: String,
    event: Box<RawValue>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    id: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    time: String,
}

impl StreamedEvent {
    /// Reads the data of a message about an event of this type.
    pub(super) fn read(event_type: String, data: &str) -> Option<Self> {
        let EventData { offset, event } = serde_json::from_str(data).ok()?;
        let head: Head = serde_json::from_str(event.get()).ok()?;
        let time = Timestamp::parse(&head.time).ok();
        Some(Self { offset, event_type, id: head.id, source: head.source, time, body: event.into() })
    }

    /// What it is about, where its type says where that is named.
    pub(crate) fn subject(&self) -> Option<EventSubject> {
        let place = EventType::from_name(&self.event_type)?.subject_place()?;
        let body: Value = serde_json::from_str(&self.body).ok()?;
        let id = place.path.iter().try_fold(&body["data"], |value, member| value.get(*member))?;
        Some(EventSubject { kind: place.kind, id: id.as_str()?.to_owned() })
    }
}

/// What the data of `event: error` say.
#[derive(Deserialize)]
pub(super) struct ErrorData {
    pub(super) error: ErrorBody,
}

/// The error itself.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    pub(super) offset: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_kept_byte_for_byte() {
        let body = r#"{ "id":"evt_1", "source":"urn:x","time":"2026-01-16T08:50:33.955Z", "data":{"object":{"user_id":"auth0|1"}} }"#;
        let data = format!("{{\"offset\":\"AAE\",\"event\":{body}}}");
        let event = StreamedEvent::read("user.created".into(), &data).unwrap();
        assert_eq!((&*event.body, event.offset.as_str(), event.id.as_str()), (body, "AAE", "evt_1"));
        assert_eq!(event.time.unwrap().to_string(), "2026-01-16T08:50:33.955Z");
        assert_eq!(event.subject().unwrap().to_string(), "auth0|1");
        let of_own = StreamedEvent::read("acme.parcel.sent".into(), &data).unwrap();
        assert_eq!(of_own.subject(), None);
        assert!(StreamedEvent::read("user.created".into(), "{}").is_none());
    }
}
