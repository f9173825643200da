//! Which failed deliveries are meant, in a query and in a body (management-api.md 3.8, 3.10).

use domain::catalog::EventTypes;
use domain::clock::Timestamp;
use domain::redelivery::DeliveryFilter;
use serde::Serialize;

use super::query::QueryReader;
use super::reader::{Field, Invalid, ObjectReader, Text};
use crate::event_types::EventTypeNames;

const STATUSES: Field = Field::new("statuses", "Comma-separated list of statuses by which to filter.");
const EVENT_TYPES: Field = Field::new("event_types", "Comma-separated list of event types by which to filter.");
const STATUS_LIST: Text = Text::new("statuses", "Filter by status.");
const EVENT_TYPE_LIST: Text = Text::new("event_types", "Filter by event type.");
const DATE_FROM: Text =
    date("date_from", "An RFC-3339 date-time for redelivery start, inclusive. Does not allow sub-second precision.");
const DATE_TO: Text =
    date("date_to", "An RFC-3339 date-time for redelivery end, exclusive. Does not allow sub-second precision.");

/// A time of 20 characters at most, such as `2025-07-29T00:00:00Z`.
const fn date(name: &'static str, about: &'static str) -> Text {
    Text::new(name, about).length(1, 20).format("date-time", |text| Timestamp::parse(text).is_ok())
}

fn time_of(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).ok()
}

/// The one status that deliveries are kept in.
fn is_failed(word: &str) -> bool {
    word == "failed"
}

/// Reads `statuses`, `event_types`, `date_from` and `date_to` of a query.
pub(crate) fn read_query(query: &QueryReader, names: &EventTypeNames) -> Result<DeliveryFilter, Invalid> {
    let unknown = |field, word: &str| QueryReader::fault(field, &format!("No enum match for: {word}"));
    if let Some(other) = query.list(STATUSES.name).into_iter().find(|word| !is_failed(word)) {
        return Err(unknown(STATUSES, other));
    }
    let named = query.list(EVENT_TYPES.name);
    let read = |word: &&str| names.resolve(word).ok_or_else(|| unknown(EVENT_TYPES, word));
    let types = named.iter().map(read).collect::<Result<EventTypes, _>>()?;
    Ok(DeliveryFilter {
        date_from: query.checked(&DATE_FROM)?.and_then(time_of),
        date_to: query.checked(&DATE_TO)?.and_then(time_of),
        event_types: (!types.is_empty()).then_some(types),
    })
}

/// A filter as it was given, to be answered.
#[derive(Debug, Default, Serialize)]
pub(crate) struct GivenFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    date_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statuses: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_types: Option<Vec<String>>,
}

/// Reads the same of a body.
pub(crate) fn read_body(
    body: &mut ObjectReader,
    names: &EventTypeNames,
) -> Result<(GivenFilter, DeliveryFilter), Invalid> {
    let given = GivenFilter {
        date_from: body.text(&DATE_FROM)?,
        date_to: body.text(&DATE_TO)?,
        statuses: body.texts(&STATUS_LIST)?,
        event_types: body.texts(&EVENT_TYPE_LIST)?,
    };
    let no_match = |list: &Text, word: &str| body.fault_at(list.field(), &format!("No enum match for: {word}"));
    if let Some(other) = given.statuses.iter().flatten().find(|word| !is_failed(word)) {
        return Err(no_match(&STATUS_LIST, other));
    }
    let read = |word: &String| names.resolve(word).ok_or_else(|| no_match(&EVENT_TYPE_LIST, word));
    let types = given.event_types.iter().flatten().map(read).collect::<Result<EventTypes, _>>()?;
    let filter = DeliveryFilter {
        date_from: given.date_from.as_deref().and_then(time_of),
        date_to: given.date_to.as_deref().and_then(time_of),
        event_types: (!types.is_empty()).then_some(types),
    };
    Ok((given, filter))
}

impl GivenFilter {
    /// A filter as it is kept, to be answered.
    pub(crate) fn kept(filter: &DeliveryFilter, names: &EventTypeNames) -> Self {
        let names = |types: &EventTypes| types.iter().map(|each| names.name_of(each).into_owned()).collect();
        Self {
            date_from: filter.date_from.map(|time| time.to_string()),
            date_to: filter.date_to.map(|time| time.to_string()),
            statuses: None,
            event_types: filter.event_types.as_ref().map(names),
        }
    }
}
