//! Filters and transformations as callers write them, and what a dry run of them comes to.

use bytes::Bytes;
use domain::expression::{EvaluationError, EventValue, Filter, Transform};
use serde::Serialize;
use serde_json::value::RawValue;

use super::reader::{Field, Invalid, ObjectReader, Text};

pub(super) const FILTER: Field = Field::new("filter", "An expression that says which events pass.");
const FILTER_TEXT: Text = Text::new(FILTER.name, FILTER.about);
pub(super) const TRANSFORM: Field = Field::new("transform", "An expression whose value is sent instead of the event.");
const TRANSFORM_TEXT: Text = Text::new(TRANSFORM.name, TRANSFORM.about);

/// The member `filter`.
pub(crate) fn read_filter(from: &mut ObjectReader) -> Result<Option<Filter>, Invalid> {
    let text = from.text(&FILTER_TEXT)?;
    let parsed = text.map(|text| Filter::parse(&text)).transpose();
    parsed.map_err(|error| from.fault_at(FILTER, &error.to_string()))
}

/// The member `transform`.
pub(crate) fn read_transform(from: &mut ObjectReader) -> Result<Option<Transform>, Invalid> {
    let text = from.text(&TRANSFORM_TEXT)?;
    let parsed = text.map(|text| Transform::parse(&text)).transpose();
    parsed.map_err(|error| from.fault_at(TRANSFORM, &error.to_string()))
}

/// What would come of an event.
#[derive(Serialize)]
pub(crate) struct DryRunAnswer {
    /// Whether it passes; left out where that cannot be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    passes: Option<bool>,
    /// What would be sent, where anything would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
    /// Why nothing can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FaultAnswer>,
}

#[derive(Serialize)]
struct FaultAnswer {
    /// `event`, `filter` or `transform`.
    r#in: &'static str,
    message: String,
}

impl DryRunAnswer {
    /// Does what a delivery of `event` would do, but for the delivery.
    pub(crate) fn of(event: &[u8], filter: Option<&Filter>, transform: Option<&Transform>) -> Self {
        let value = match EventValue::read(event) {
            Ok(value) => value,
            Err(error) => return Self::fault(None, FaultAnswer::new("event", &error)),
        };
        match filter.map_or(Ok(true), |filter| filter.passes(&value)) {
            Ok(true) => {}
            Ok(false) => return Self { passes: Some(false), payload: None, error: None },
            Err(error) => return Self::fault(None, FaultAnswer::new(FILTER.name, &error)),
        }
        match transform.map_or_else(|| Ok(Bytes::copy_from_slice(event)), |transform| transform.apply(&value)) {
            Ok(payload) => Self { passes: Some(true), payload: Some(raw(&payload)), error: None },
            Err(error) => Self::fault(Some(true), FaultAnswer::new(TRANSFORM.name, &error)),
        }
    }

    fn fault(passes: Option<bool>, error: FaultAnswer) -> Self {
        Self { passes, payload: None, error: Some(error) }
    }
}

impl FaultAnswer {
    fn new(place: &'static str, error: &EvaluationError) -> Self {
        Self { r#in: place, message: error.to_string() }
    }
}

fn raw(json: &[u8]) -> Box<RawValue> {
    serde_json::from_slice(json).expect("an event that was read, and what expressions make, is JSON")
}
