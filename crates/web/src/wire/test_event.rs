//! Test events (management-api.md 3.7).

use domain::catalog::{EventType, sample};
use serde_json::value::{RawValue, to_raw_value};

use super::reader::{Field, Invalid, ObjectReader};
use crate::event_types::EventTypeNames;

const EVENT_TYPE: Field = Field::new("event_type", "The type of event this test event represents.");
const DATA: Field = Field::new("data", "The raw payload of the test event.");
const EXTENSION: Field = Field::new("headwater", "What this server offers beyond the contract.");
const WHILE_DISABLED: Field = Field::new("while_disabled", "Whether to send it although the event stream is disabled.");

/// An event with the usual envelope.
pub(crate) struct SampleEvent {
    /// Of which type.
    pub event_type: EventType,
    /// The name of that.
    pub name: String,
    /// With which data: those that were given, or those of a sample.
    pub data: Box<RawValue>,
}

/// A test event that is asked for.
pub(crate) struct TestRequest {
    /// Which event.
    pub event: SampleEvent,
    /// A disabled stream gets it too.
    pub while_disabled: bool,
}

/// Reads the body.
pub(crate) fn read_test(mut body: ObjectReader, names: &EventTypeNames) -> Result<TestRequest, Invalid> {
    let event = read_sample(&mut body, names)?;
    let mut while_disabled = false;
    if let Some(mut extension) = body.object(EXTENSION)? {
        while_disabled = extension.boolean(WHILE_DISABLED)?.unwrap_or(false);
        extension.finish_with_path()?;
    }
    body.finish()?;
    Ok(TestRequest { event, while_disabled })
}

/// The members `event_type` and `data`.
pub(crate) fn read_sample(body: &mut ObjectReader, names: &EventTypeNames) -> Result<SampleEvent, Invalid> {
    let event_type = body.word(EVENT_TYPE, |name| names.resolve(name))?.ok_or_else(|| body.missing(EVENT_TYPE))?;
    // A type that a tenant has registered has a sample only if it was given an example.
    let data = match body.map(DATA)? {
        Some(given) => to_raw_value(&given).expect("a JSON object can be written as JSON"),
        None => sample_of(event_type, names).ok_or_else(|| body.missing(DATA))?,
    };
    Ok(SampleEvent { event_type, name: names.name_of(event_type).into_owned(), data })
}

fn sample_of(event_type: EventType, names: &EventTypeNames) -> Option<Box<RawValue>> {
    if let Some(sample) = sample(event_type) {
        return Some(sample.to_owned());
    }
    let example = names.versioned(event_type)?.value.definition.example.as_ref()?;
    Some(to_raw_value(example).expect("a JSON value can be written as JSON"))
}
