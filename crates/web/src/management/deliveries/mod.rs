//! Failed deliveries and their redelivery (management-api.md 3.8, 3.10).

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod redeliver;
pub(crate) mod redeliver_many;

use domain::ids::{EventId, StreamId};

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const EVENT_ID: Field = Field::new("event_id", "Unique identifier for the event.");

fn event_id(call: &Call) -> Result<EventId, Invalid> {
    call.segment_id(EVENT_ID, "event-id", EventId::parse)
}

/// Answers 404 where there is no such stream.
pub(crate) async fn stream_must_exist(call: &Call, stream: StreamId) -> Result<(), ApiError> {
    match call.state().stream_get(call.tenant(), stream).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::NotFound(Missing::Stream)),
    }
}
