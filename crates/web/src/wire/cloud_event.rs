//! CloudEvents 1.0 as producers give them: one, or a batch (docs/extensions.md).
//!
//! An event is parsed without copying what is only passed on: its data stays the text that it is. Members
//! that are known to no rule here are taken and dropped.

mod members;
mod path;

use std::borrow::Cow;
use std::time::Duration;

use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::event::Subject;
use domain::publish::SubjectPlace;
use serde_json::value::RawValue;

use self::members::{Batch, Envelope, Given};
use self::path::Found;
use super::reader::{Field, Invalid, Part, Text};
use crate::error::ApiError;
use crate::event_types::{EventTypeNames, SchemaCache};

/// Events in a batch at most.
pub(crate) const BATCH_EVENTS_MAX: usize = 1000;
/// How far a producer's clock may be ahead of ours.
const TIME_AHEAD_MAX: Duration = Duration::from_secs(5 * 60);

const SPECVERSION: Text =
    Text::new("specversion", "Version of the CloudEvents specification.").pattern("^1\\.0$", |text| text == "1.0");
const ID: Text = Text::new("id", "Identifies the event together with its source.").length(1, 255);
const SOURCE: Text = Text::new("source", "Where the event happened.").length(1, 2048);
const TYPE: Text = Text::new("type", "What happened, one of the event types.");
const TIME: Text = Text::new("time", "When it happened.");
const SUBJECT: Text = Text::new("subject", "What the event is about.").length(1, 1024);
const SUBJECT_ID: Text = Text::new("", "Identifies what the event is about.").length(1, 1024);
const CONTENT_TYPE: Text =
    Text::new("datacontenttype", "Media type of the data, which must be JSON.").format("json-media-type", is_json);
const DATA: Field = Field::new("data", "What happened in detail, an object with the member object.");
const SCHEMA_ABOUT: &str = "By the schema that the event type was registered with.";
const DATA_BASE64: Field = Field::new("data_base64", "Binary data, which no event type has.");

/// An event that may be published.
#[derive(Debug)]
pub(crate) struct CloudEvent<'a> {
    /// Where it happened.
    pub source: Cow<'a, str>,
    /// What the producer calls it.
    pub id: Cow<'a, str>,
    /// What happened.
    pub event_type: EventType,
    /// The name of that.
    pub type_name: Cow<'a, str>,
    /// When it happened.
    pub time: Timestamp,
    /// What it is about.
    pub subject: Subject,
    /// The data as it was given.
    pub data: &'a RawValue,
}

/// What events are read by: the types that may be published, and the time.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'r> {
    /// The types that the tenant knows.
    pub types: &'r EventTypeNames,
    /// Prepared schemas of registered types.
    pub schemas: &'r SchemaCache,
    /// An event without a time happened now.
    pub now: Timestamp,
}

/// Reads one event.
pub(crate) fn read_one<'a>(body: &'a [u8], rules: Rules<'_>) -> Result<CloudEvent<'a>, ApiError> {
    let place = Place { index: None };
    let given: Given<'_, Envelope<'_>> = serde_json::from_str(text_of(body)?).map_err(|_| ApiError::NotJson)?;
    place.read(given, rules)
}

/// Reads a batch, which has at least one event; none of it is taken if any is at fault.
pub(crate) fn read_batch<'a>(body: &'a [u8], rules: Rules<'_>) -> Result<Vec<CloudEvent<'a>>, ApiError> {
    let batch: Batch<'_> = serde_json::from_str(text_of(body)?).map_err(|_| ApiError::NotJson)?;
    let fault = |reason: &str| Invalid::new(Part::Payload, reason, "", "");
    let events = match batch {
        Batch::Other(found) => return Err(fault(&wrong_type("array", found)).into()),
        Batch::Events { count: 0, .. } => return Err(fault("Array is too short (0), minimum 1").into()),
        Batch::Events { count, .. } if count > BATCH_EVENTS_MAX => {
            return Err(fault(&format!("Array is too long ({count}), maximum {BATCH_EVENTS_MAX}")).into());
        }
        Batch::Events { events, .. } => events,
    };
    let read = |(index, given)| Place { index: Some(index) }.read(given, rules);
    events.into_iter().enumerate().map(read).collect()
}

/// Checked once for the whole body, so that nothing below has to.
fn text_of(body: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(body).map_err(|_| ApiError::NotJson)
}

/// Where in the body an event is.
#[derive(Clone, Copy)]
struct Place {
    index: Option<usize>,
}

impl Place {
    /// The place of a member; of the event itself, if it has no name.
    fn of(self, member: &str) -> String {
        match (self.index, member) {
            (None, _) => member.to_owned(),
            (Some(index), "") => format!("[{index}]"),
            (Some(index), _) => format!("[{index}].{member}"),
        }
    }

    fn fault(self, member: &str, about: &str, reason: &str) -> Invalid {
        Invalid::new(Part::Payload, reason, &self.of(member), about)
    }

    fn missing(self, within: Field, member: &str) -> Invalid {
        self.fault(within.name, within.about, &format!("Missing required property: {member}"))
    }

    fn text<'a, O>(self, given: Given<'a, O>, text: &Text) -> Result<Option<Cow<'a, str>>, Invalid> {
        let Field { name, about } = text.field();
        let reason = match given {
            Given::Missing => return Ok(None),
            Given::Text(given) => match text.fault(&given) {
                None => return Ok(Some(given)),
                Some(reason) => reason,
            },
            Given::Object(_) => wrong_type("string", "object"),
            Given::Other(found) => wrong_type("string", found),
        };
        Err(self.fault(name, about, &reason))
    }

    fn text_required<'a, O>(self, given: Given<'a, O>, text: &Text) -> Result<Cow<'a, str>, Invalid> {
        let root = Field::new("", "");
        self.text(given, text)?.ok_or_else(|| self.missing(root, text.name()))
    }

    fn read<'a>(self, given: Given<'a, Envelope<'a>>, rules: Rules<'_>) -> Result<CloudEvent<'a>, ApiError> {
        let envelope = self.envelope(given)?;
        self.text_required(envelope.specversion, &SPECVERSION)?;
        let id = self.text_required(envelope.id, &ID)?;
        let source = self.text_required(envelope.source, &SOURCE)?;
        let (event_type, type_name) = self.event_type(envelope.event_type, rules.types)?;
        let time = self.time(envelope.time, rules.now)?;
        self.text(envelope.datacontenttype, &CONTENT_TYPE)?;
        if !matches!(envelope.data_base64, Given::Missing) {
            let reason = format!("Additional properties not allowed: {}", DATA_BASE64.name);
            return Err(self.fault(DATA_BASE64.name, DATA_BASE64.about, &reason).into());
        }
        let data = envelope.data.ok_or_else(|| self.missing(Field::new("", ""), DATA.name))?;
        let subject = self.text(envelope.subject, &SUBJECT)?;
        let subject = match event_type.subject_place() {
            Some(place) => self.subject(place, data, subject.as_deref())?,
            None => {
                self.registered_data(event_type, data, rules)?;
                registered_subject(&source, subject.as_deref(), &id)
            }
        };
        Ok(CloudEvent { source, id, event_type, type_name, time, subject, data })
    }

    fn envelope<'a>(self, given: Given<'a, Envelope<'a>>) -> Result<Envelope<'a>, Invalid> {
        let found = match given {
            Given::Object(envelope) => return Ok(envelope),
            Given::Missing => "null",
            Given::Text(_) => "string",
            Given::Other(found) => found,
        };
        Err(self.fault("", "", &wrong_type("object", found)))
    }

    fn event_type<'a, O>(
        self,
        given: Given<'a, O>,
        types: &EventTypeNames,
    ) -> Result<(EventType, Cow<'a, str>), Invalid> {
        let name = self.text_required(given, &TYPE)?;
        // What the server tells of itself, nobody else does.
        match types.resolve(&name).filter(|event_type| !event_type.is_operational()) {
            Some(event_type) => Ok((event_type, name)),
            None => {
                let Field { name: member, about } = TYPE.field();
                Err(self.fault(member, about, &format!("No enum match for: {name}")))
            }
        }
    }

    /// The data of a registered type are sound, and fit its schema.
    fn registered_data(self, event_type: EventType, data: &RawValue, rules: Rules<'_>) -> Result<(), ApiError> {
        path::follow(data, &[]).map_err(|error| self.not_json(&error))?;
        let Some(registered) = rules.types.versioned(event_type) else { return Ok(()) };
        let schema = rules.schemas.of(registered)?;
        let value = serde_json::from_str(data.get()).map_err(|error| self.not_json(&error))?;
        schema.check(&value).map_err(|misfit| {
            let place = if misfit.place.is_empty() { DATA.name.to_owned() } else { format!("data.{}", misfit.place) };
            self.fault(&place, SCHEMA_ABOUT, &misfit.reason).into()
        })
    }

    fn not_json(self, error: &serde_json::Error) -> Invalid {
        self.fault(DATA.name, "", &format!("Object didn't pass validation for format json: {error}"))
    }

    fn time<O>(self, given: Given<'_, O>, now: Timestamp) -> Result<Timestamp, Invalid> {
        let Some(text) = self.text(given, &TIME)? else { return Ok(now) };
        let reason = match date_time_of(&text) {
            Some(time) if time <= now.plus(TIME_AHEAD_MAX) => return Ok(time),
            Some(_) => format!("Time is more than {} s in the future: {text}", TIME_AHEAD_MAX.as_secs()),
            None => format!("Object didn't pass validation for format date-time: {text}"),
        };
        let Field { name, about } = TIME.field();
        Err(self.fault(name, about, &reason))
    }

    /// What the event is about: the id that its type has in `data.object`, else the `subject` that was given.
    fn subject(self, place: SubjectPlace, data: &RawValue, given: Option<&str>) -> Result<Subject, Invalid> {
        let SubjectPlace { kind, path: names } = place;
        let found = path::follow(data, names).map_err(|error| {
            self.fault(DATA.name, DATA.about, &format!("Object didn't pass validation for format json: {error}"))
        })?;
        let place_of = |known: usize| [&[DATA.name], &names[..known]].concat().join(".");
        match found {
            Found::Text(id) => match SUBJECT_ID.fault(&id) {
                None => Ok(Subject::new(kind, &id)),
                Some(reason) => Err(self.fault(&place_of(names.len()), SUBJECT_ID.field().about, &reason)),
            },
            Found::Missing { known } => match given {
                // Without the object there is no event, whatever it is about.
                Some(given) if known > 0 => Ok(Subject::new(kind, given)),
                _ => {
                    let reason = format!("Missing required property: {}", names[known]);
                    Err(self.fault(&place_of(known), if known == 0 { DATA.about } else { "" }, &reason))
                }
            },
            Found::Other { known, found } => {
                let expected = if known == names.len() { "string" } else { "object" };
                let about = if known == 0 { DATA.about } else { "" };
                Err(self.fault(&place_of(known), about, &wrong_type(expected, found)))
            }
        }
    }
}

/// What an event of a registered type is about: its `subject`, which means something within its `source` only. One
/// without a subject stands alone.
fn registered_subject(source: &str, subject: Option<&str>, id: &str) -> Subject {
    match subject {
        Some(subject) => Subject::new("subject", &format!("{source} {subject}")),
        None => Subject::new("event", &format!("{source} {id}")),
    }
}

fn wrong_type(expected: &str, found: &str) -> String {
    format!("Expected type {expected} but found type {found}")
}

/// The instant of a text in the form of RFC 3339, of which the parser takes a superset.
fn date_time_of(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let has = |place: usize, any_of: &[u8]| bytes.get(place).is_some_and(|byte| any_of.contains(byte));
    let offset = bytes.len().saturating_sub(6);
    let is_zoned = bytes.ends_with(b"Z") || bytes.ends_with(b"z") || (has(offset, b"+-") && has(offset + 3, b":"));
    let is_shaped = has(4, b"-") && has(7, b"-") && has(10, b"Tt ") && has(13, b":") && has(16, b":");
    let is_rfc_3339 = text.is_ascii() && is_shaped && is_zoned && !text.contains('[');
    if is_rfc_3339 { Timestamp::parse(text).ok() } else { None }
}

/// Whether a media type is one of JSON.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let Some((kind, name)) = essence.split_once('/') else { return false };
    matches!((kind, name), ("application" | "text", "json")) || name.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for time in [
            "2026-01-16T08:50:33Z",
            "2026-01-16t08:50:33.955123z",
            "2026-01-16T08:50:33.5+01:00",
            "2026-01-16 08:50:33-00:30",
        ] {
            assert!(date_time_of(time).is_some(), "{time}");
        }
        for time in [
            "",
            "yesterday",
            "2026-01-16",
            "2026-01-16T08:50:33",
            "2026-01-16T08:50Z",
            "2026-01-16T08Z",
            "20260116T085033Z",
            "2026-01-16T08:50:33+01",
            "2026-13-16T08:50:33Z",
            "2026-02-30T08:50:33Z",
            "2026-01-16T08:50:33+01:00[Europe/Berlin]",
            "2026-01-16T08:50:33Zé",
        ] {
            assert!(date_time_of(time).is_none(), "{time}");
        }
    }

    #[test]
    fn media_types() {
        for media_type in ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/x.y+json"] {
            assert!(is_json(media_type), "{media_type}");
        }
        for media_type in ["", "json", "application/xml", "application/json5", "text/plain"] {
            assert!(!is_json(media_type), "{media_type}");
        }
    }
}
