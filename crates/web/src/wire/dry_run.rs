//! Dry runs of a filter and a transformation: with which event.

use domain::expression::{Filter, Transform};
use serde_json::value::{RawValue, to_raw_value};

use super::expression::{read_filter, read_transform};
use super::reader::{Field, Invalid, ObjectReader};
use super::test_event::{SampleEvent, read_sample};
use crate::event_types::EventTypeNames;

const EVENT: Field = Field::new("event", "The whole CloudEvent to try; or give event_type, and data if you like.");

/// A dry run that is asked for.
pub(crate) struct DryRunRequest {
    /// The filter to try.
    pub filter: Option<Filter>,
    /// The transformation to try.
    pub transform: Option<Transform>,
    /// The event to try them with.
    pub event: GivenEvent,
}

/// Which event to try.
pub(crate) enum GivenEvent {
    /// This one, as it is.
    Whole(Box<RawValue>),
    /// One with the usual envelope around these data.
    Sample(SampleEvent),
}

/// Reads the body.
pub(crate) fn read_dry_run(mut body: ObjectReader, names: &EventTypeNames) -> Result<DryRunRequest, Invalid> {
    let (filter, transform) = (read_filter(&mut body)?, read_transform(&mut body)?);
    let event = match body.map(EVENT)? {
        Some(event) => GivenEvent::Whole(to_raw_value(&event).expect("a JSON object can be written as JSON")),
        None => GivenEvent::Sample(read_sample(&mut body, names)?),
    };
    body.finish()?;
    Ok(DryRunRequest { filter, transform, event })
}
