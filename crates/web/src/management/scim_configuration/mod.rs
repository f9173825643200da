//! How a connection is provisioned with SCIM, and the tokens for it (management-api.md 6.5).

pub(crate) mod create;
pub(crate) mod create_token;
pub(crate) mod default_mapping;
pub(crate) mod delete;
pub(crate) mod delete_token;
pub(crate) mod get;
pub(crate) mod list_tokens;
pub(crate) mod update;

use domain::change::Versioned;
use domain::connection::Connection;
use domain::scim::ScimConfiguration;

use super::connections::{connection_id, stored};
use crate::call::Call;
use crate::error::{ApiError, Missing, Refusal};

/// The connection that the path names, if it can be provisioned.
async fn connection(call: &Call) -> Result<Connection, ApiError> {
    let found = stored(call, &connection_id(call)?).await?.value;
    if found.strategy.takes_scim() { Ok(found) } else { Err(ApiError::Refused(Refusal::ScimUnsupported)) }
}

/// The connection that the path names and how it is provisioned.
async fn configuration(call: &Call) -> Result<(Connection, Versioned<ScimConfiguration>), ApiError> {
    let connection = stored(call, &connection_id(call)?).await?.value;
    let found = call.state().scim_configuration_get(call.tenant(), &connection.id).await?;
    Ok((connection, found.ok_or(ApiError::NotFound(Missing::ScimConfiguration))?))
}
