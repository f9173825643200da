//! Event streams (management-api.md 3.1 to 3.6). Their destinations are in files of their own.

use std::borrow::Cow;

use domain::catalog::EventType;
use domain::clock::{Entropy, Timestamp};
use domain::destination::Destination;
use domain::ids::StreamId;
use domain::place::{Place, Resume};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamStatus};
use serde::Serialize;
use store::{MissedRange, Offsets};

use super::destination::{self, Additions, DESTINATION, DestinationAnswer, GivenDestination};
use super::position::{Start, read_resume, read_start, resume_without_enabling, snapshot_of_disabled};
use super::query::Cursor;
use super::reader::{Field, Invalid, ObjectReader, Text};
use super::redelivery::CountedAnswer;
use super::stream_extension::{EXTENSION, GivenOptions, OptionsAnswer, read_options};
use crate::event_types::EventTypeNames;

const NAME: Text = Text::new("name", "Name of the event stream.").length(1, 128);
const STATUS: Field = Field::new("status", "Indicates whether the event stream is actively forwarding events.");
const SUBSCRIPTIONS: Field = Field::new("subscriptions", "List of event types subscribed to in this stream.");
const EVENT_TYPE: Field = Field::new("event_type", "One of the event types that this server knows.");
const MISSED: Field = Field::new("missed", "What the stream has missed while it was disabled; not to be set.");

/// A stream to create.
#[derive(Debug)]
pub(crate) struct NewStream {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Whether it delivers.
    pub status: StreamStatus,
    /// The event types, each once.
    pub subscriptions: Vec<EventType>,
    /// Where it delivers to.
    pub destination: Destination,
    /// What the contract does not have.
    pub options: GivenOptions,
    /// Where it starts.
    pub start: Start,
}

/// What to change of a stream; what is absent stays.
#[derive(Debug)]
pub(crate) struct StreamChanges {
    /// A new name.
    pub name: Option<String>,
    /// A new status.
    pub status: Option<StreamStatus>,
    /// The whole new list of event types.
    pub subscriptions: Option<Vec<EventType>>,
    /// The whole new destination, but perhaps for its secret.
    pub destination: Option<GivenDestination>,
    /// What the contract does not have.
    pub options: GivenOptions,
    /// What it gets of what it has missed, should this enable it.
    pub resume: Option<Resume>,
}

/// Reads the body of a creation. `http_allowed` is the operator's choice.
pub(crate) fn read_new(
    mut body: ObjectReader,
    types: &EventTypeNames,
    http_allowed: bool,
    offsets: &Offsets,
    additions: &Additions<'_>,
) -> Result<NewStream, Invalid> {
    let changes = read_members(&mut body, types, http_allowed)?;
    let status = changes.status.unwrap_or(StreamStatus::Enabled);
    let (mut options, mut start) = (GivenOptions::default(), None);
    if let Some(mut extension) = body.object(EXTENSION)? {
        options = read_options(&mut extension, http_allowed)?;
        start = read_start(&mut extension, offsets)?;
        // What the server answers may be given back: whoever exports and imports streams does.
        let _ = extension.value(MISSED);
        if start == Some(Start::Snapshot) && status == StreamStatus::Disabled {
            return Err(snapshot_of_disabled(&extension));
        }
        extension.finish_with_path()?;
    }
    let destination = changes.destination.ok_or_else(|| body.missing(DESTINATION))?.created(additions)?;
    body.finish()?;
    Ok(NewStream {
        name: changes.name,
        status,
        subscriptions: changes.subscriptions.unwrap_or_default(),
        destination,
        options,
        start: start.unwrap_or(Start::Place(Place::Now)),
    })
}

/// Reads the body of a change.
pub(crate) fn read_changes(
    mut body: ObjectReader,
    types: &EventTypeNames,
    http_allowed: bool,
) -> Result<StreamChanges, Invalid> {
    let mut changes = read_members(&mut body, types, http_allowed)?;
    if let Some(mut extension) = body.object(EXTENSION)? {
        changes.options = read_options(&mut extension, http_allowed)?;
        changes.resume = read_resume(&mut extension)?;
        let _ = extension.value(MISSED);
        if changes.resume.is_some() && changes.status != Some(StreamStatus::Enabled) {
            return Err(resume_without_enabling(&extension));
        }
        extension.finish_with_path()?;
    }
    body.finish()?;
    Ok(changes)
}

fn read_members(body: &mut ObjectReader, types: &EventTypeNames, http_allowed: bool) -> Result<StreamChanges, Invalid> {
    Ok(StreamChanges {
        name: body.text(&NAME)?,
        status: body.word(STATUS, StreamStatus::from_name)?,
        subscriptions: read_subscriptions(body, types)?,
        destination: body
            .object(DESTINATION)?
            .map(|destination| destination::read(destination, http_allowed))
            .transpose()?,
        options: GivenOptions::default(),
        resume: None,
    })
}

fn read_subscriptions(body: &mut ObjectReader, known: &EventTypeNames) -> Result<Option<Vec<EventType>>, Invalid> {
    let Some(items) = body.objects(SUBSCRIPTIONS)? else { return Ok(None) };
    if items.is_empty() {
        return Err(body.fault_at(SUBSCRIPTIONS, "Array is too short (0), minimum 1"));
    }
    let mut types = Vec::with_capacity(items.len());
    for mut item in items {
        let event_type = item.word(EVENT_TYPE, |name| known.resolve(name))?.ok_or_else(|| item.missing(EVENT_TYPE))?;
        item.finish()?;
        if !types.contains(&event_type) {
            types.push(event_type);
        }
    }
    Ok(Some(types))
}

/// A stream as it is answered; the members' order is the contract's.
#[derive(Serialize)]
pub(crate) struct StreamAnswer {
    id: StreamId,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    subscriptions: Vec<SubscriptionAnswer>,
    created_at: Timestamp,
    updated_at: Timestamp,
    destination: DestinationAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    headwater: Option<ExtensionAnswer>,
}

/// What the contract does not have; a member that is at its default is left out.
#[derive(Default, Serialize)]
struct ExtensionAnswer {
    #[serde(flatten)]
    options: OptionsAnswer,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missed: Vec<MissedAnswer>,
}

/// A stretch of the log that a stream has missed.
#[derive(Serialize)]
struct MissedAnswer {
    from_offset: String,
    /// Left out while the stream goes on missing what is raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_offset: Option<String>,
    #[serde(flatten)]
    events: CountedAnswer,
}

#[derive(Serialize)]
struct SubscriptionAnswer {
    event_type: Cow<'static, str>,
}

impl StreamAnswer {
    /// With a signing secret that the server has made for it, which no other answer shows.
    pub(crate) fn showing(mut self, made: Option<&Secret>) -> Self {
        if let (Some(extension), Some(made)) = (&mut self.headwater, made) {
            extension.options.show_made(made);
        }
        self
    }

    /// With what the stream has missed while it was disabled, if it has missed anything.
    pub(crate) fn with_missed(mut self, missed: &[MissedRange], offsets: &Offsets, entropy: &dyn Entropy) -> Self {
        if !missed.is_empty() {
            let offset = |seq| offsets.of_place(seq, entropy);
            let answer = |range: &MissedRange| MissedAnswer {
                from_offset: offset(range.from),
                to_offset: range.until.map(offset),
                events: range.counted.into(),
            };
            let extension = self.headwater.get_or_insert_default();
            extension.missed = missed.iter().map(answer).collect();
        }
        self
    }

    /// The stream, with the names that its tenant has for event types.
    pub(crate) fn new(stream: EventStream, types: &EventTypeNames) -> Self {
        let options = OptionsAnswer::of(&stream.options);
        let headwater = options.map(|options| ExtensionAnswer { options, missed: Vec::new() });
        Self {
            id: stream.id,
            status: stream.status.name(),
            name: stream.name,
            subscriptions: stream
                .subscriptions
                .iter()
                .map(|event_type| SubscriptionAnswer { event_type: types.name_of(*event_type) })
                .collect(),
            created_at: stream.created_at,
            updated_at: stream.updated_at,
            destination: stream.destination.into(),
            headwater,
        }
    }
}

impl Cursor for StreamId {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}
