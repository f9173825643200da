//! Client grants: what an application may do with an API (management-api.md 6.7).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use domain::account::ClientGrant;
use domain::change::Versioned;
use domain::ids::GrantId;
use domain::scope;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::client_grant::check_scope;
use crate::wire::reader::{Field, Invalid};

const GRANT_ID: Field = Field::new("id", "ID of the client grant.");

fn grant_id(call: &Call) -> Result<GrantId, Invalid> {
    call.segment(GRANT_ID).map(GrantId::from_text)
}

/// Checks that there is such an API, and that it has these scopes.
async fn check_scopes(call: &Call, audience: &str, scope: &[String]) -> Result<(), ApiError> {
    if audience == call.served.audience() {
        return Ok(check_scope(scope, scope::is_known)?);
    }
    let server = call.state().resource_server_get(call.tenant(), audience).await?;
    let server = server.filter(|server| server.value.identifier == audience);
    let server = server.ok_or(ApiError::NotFound(Missing::ResourceServer))?;
    Ok(check_scope(scope, |scope| server.value.has_scope(scope))?)
}

async fn stored(call: &Call, id: &GrantId) -> Result<Versioned<ClientGrant>, ApiError> {
    let stored = call.state().grant_get(call.tenant(), id).await?;
    stored.ok_or(ApiError::NotFound(Missing::Grant))
}
