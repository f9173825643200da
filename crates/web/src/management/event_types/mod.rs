//! Event types that a tenant has registered (docs/extensions.md).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use domain::change::Versioned;
use domain::registered_type::RegisteredType;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::Field;

const NAME: Field = Field::new("name", "Name of the event type.");

/// The registered type that the path names. One of the catalogue is not registered.
async fn stored(call: &Call) -> Result<Versioned<RegisteredType>, ApiError> {
    let name = call.segment(NAME)?;
    let types = call.event_types().await?;
    types.registered(name).cloned().ok_or(ApiError::NotFound(Missing::EventType))
}
