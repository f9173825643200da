//! What a reader of the Events API asks for: from where on, and which types (management-api.md 4).

use axum::http::{HeaderMap, HeaderName};
use domain::catalog::EventTypes;
use domain::clock::Timestamp;
use domain::event::Seq;
use domain::place::Place;

use super::query::QueryReader;
use super::reader::{Field, Invalid, Part, Text};
use crate::error::ApiError;
use crate::event_types::EventTypeNames;
use store::Offsets;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const OFFSET_CHARS_MAX: usize = 1024;
const HEADER: Text =
    Text::new("Last-Event-ID", "The id of the last message that was received.").length(1, OFFSET_CHARS_MAX);
const FROM: Text = Text::new("from", "The offset to go on from, as the server gave it.").length(1, OFFSET_CHARS_MAX);
const FROM_TIMESTAMP: Text =
    Text::new("from_timestamp", "An RFC 3339 time such as 2026-01-16T08:50:33Z: events that are not older.")
        .length(1, 20)
        .format("date-time", |text| Timestamp::parse(text).is_ok());
const EVENT_TYPE: Field = Field::new("event_type", "Event type by which to filter; may be repeated.");

/// Where to start, and which part of the request says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartPoint {
    /// With what comes.
    Now,
    /// With what is not older than this.
    Time(Timestamp),
    /// Where the query says.
    From(Seq),
    /// After what the caller says it has received.
    LastEventId(Seq),
}

impl StartPoint {
    /// The place in the log.
    pub(crate) const fn place(self) -> Place {
        match self {
            Self::Now => Place::Now,
            Self::Time(time) => Place::Time(time),
            Self::From(seq) | Self::LastEventId(seq) => Place::Position(seq),
        }
    }

    /// That the offset which was given is beyond the end of the log.
    pub(crate) fn ahead(self) -> Invalid {
        let reason = "The offset lies beyond the end of the log; use one that this server gave";
        match self {
            Self::LastEventId(_) => fault(Part::Header, &HEADER, reason),
            _ => fault(Part::Query, &FROM, reason),
        }
    }
}

fn fault(part: Part, text: &Text, reason: &str) -> Invalid {
    Invalid::new(part, reason, text.name(), text.field().about)
}

/// Reads where to start. The header wins: whoever connects again by itself sends the query of the first time too.
pub(crate) fn read_start(headers: &HeaderMap, query: &QueryReader, offsets: &Offsets) -> Result<StartPoint, ApiError> {
    let from = query.text(FROM.name()).map(|text| read_offset(Part::Query, &FROM, text, offsets)).transpose()?;
    let time = query.text(FROM_TIMESTAMP.name()).map(read_time).transpose()?;
    if from.is_some() && time.is_some() {
        let reason = "It does not go with from; give one of them";
        return Err(fault(Part::Query, &FROM_TIMESTAMP, reason).into());
    }
    // Whoever has received nothing yet may say so with an empty text.
    let header = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty());
    let header = header.map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        read_offset(Part::Header, &HEADER, &text, offsets)
    });
    Ok(match (header.transpose()?, from, time) {
        (Some(seq), _, _) => StartPoint::LastEventId(seq),
        (None, Some(seq), _) => StartPoint::From(seq),
        (None, None, Some(time)) => StartPoint::Time(time),
        (None, None, None) => StartPoint::Now,
    })
}

fn read_offset(part: Part, field: &Text, text: &str, offsets: &Offsets) -> Result<Seq, ApiError> {
    let reason = match (field.fault(text), offsets.read(text)) {
        (Some(reason), _) => reason,
        (None, Ok(position)) => return Ok(position),
        (None, Err(_)) => format!("Object didn't pass validation for format offset: {text}"),
    };
    Err(ApiError::InvalidCursor(fault(part, field, &reason)))
}

fn read_time(text: &str) -> Result<Timestamp, Invalid> {
    let read = Timestamp::parse(text).ok().filter(|_| FROM_TIMESTAMP.fault(text).is_none());
    read.ok_or_else(|| {
        let reason = FROM_TIMESTAMP.fault(text).unwrap_or_default();
        fault(Part::Query, &FROM_TIMESTAMP, &reason)
    })
}

/// Reads the types; `None` if none is named.
pub(crate) fn read_types(query: &QueryReader, types: &EventTypeNames) -> Result<Option<EventTypes>, Invalid> {
    let named = query.list(EVENT_TYPE.name);
    let unknown = |name: &str| QueryReader::fault(EVENT_TYPE, &format!("No enum match for: {name}"));
    // An empty one is no wish for all of them.
    if named.is_empty() {
        return if query.text(EVENT_TYPE.name).is_some() { Err(unknown("")) } else { Ok(None) };
    }
    named.iter().map(|name| types.resolve(name).ok_or_else(|| unknown(name))).collect::<Result<_, _>>().map(Some)
}
