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
use domain::ids::{ClientId, ConnectionId};

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::connection::enabled_client_unknown;
use crate::wire::reader::{Field, Invalid};

const CONNECTION_ID: Field = Field::new("id", "The id of the connection.");

pub(crate) fn connection_id(call: &Call) -> Result<ConnectionId, Invalid> {
    call.segment(CONNECTION_ID).map(ConnectionId::from_text)
}

pub(crate) async fn stored(call: &Call, id: &ConnectionId) -> Result<Versioned<Connection>, ApiError> {
    let stored = call.state().connection_get(call.tenant(), id).await?;
    stored.ok_or(ApiError::NotFound(Missing::Connection))
}

/// The first of these applications that there is not. Those that a connection has already may have gone since.
async fn unknown_client(call: &Call, given: &[ClientId], known: &[ClientId]) -> Result<Option<usize>, ApiError> {
    for (index, client) in given.iter().enumerate().filter(|(_, client)| !known.contains(client)) {
        if call.state().client_get(call.tenant(), client).await?.is_none() {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Refuses applications of a connection that there are not.
async fn check_clients(call: &Call, given: &[ClientId], known: &[ClientId]) -> Result<(), ApiError> {
    match unknown_client(call, given, known).await? {
        Some(index) => Err(enabled_client_unknown(index, &given[index]).into()),
        None => Ok(()),
    }
}
