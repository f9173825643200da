//! Connections (management-api.md 6.2). Changes of the enterprise ones raise events.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod list_clients;
pub(crate) mod update;
pub(crate) mod update_clients;

use domain::change::Versioned;
use domain::connection::Connection;
use domain::ids::ConnectionId;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const CONNECTION_ID: Field = Field::new("id", "The id of the connection.");

pub(crate) fn connection_id(call: &Call) -> Result<ConnectionId, Invalid> {
    call.segment(CONNECTION_ID).map(ConnectionId::from_text)
}

pub(crate) async fn stored(call: &Call, id: &ConnectionId) -> Result<Versioned<Connection>, ApiError> {
    let stored = call.state().connection_get(call.tenant(), id).await?;
    stored.ok_or(ApiError::NotFound(Missing::Connection))
}
