//! `headers`: what every request of a stream carries besides the usual.

use std::collections::BTreeMap;

use domain::delivery_settings::{HeadersError, StaticHeaders};
use serde_json::Value;

use crate::wire::reader::{Field, Invalid, ObjectReader};

pub(super) const HEADERS: Field =
    Field::new("headers", "Headers that every request carries; they are shown, so no credentials.");

/// Reads the member, if it is there.
pub(super) fn read(extension: &mut ObjectReader) -> Result<Option<StaticHeaders>, Invalid> {
    let Some(given) = extension.map(HEADERS)? else { return Ok(None) };
    let mut headers = BTreeMap::new();
    for (name, value) in given {
        let Value::String(value) = value else {
            return Err(extension.fault_within(HEADERS, &name, "Expected type string"));
        };
        headers.insert(name, value);
    }
    StaticHeaders::new(headers).map(Some).map_err(|error| match &error {
        HeadersError::Header { name, error } => extension.fault_within(HEADERS, name, &error.to_string()),
        _ => extension.fault_at(HEADERS, &error.to_string()),
    })
}
