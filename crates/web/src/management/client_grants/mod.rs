//! Client grants: what an application may do with an API (management-api.md 6.7).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use domain::account::ClientGrant;
use domain::change::Versioned;
use domain::ids::GrantId;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const GRANT_ID: Field = Field::new("id", "ID of the client grant.");

fn grant_id(call: &Call) -> Result<GrantId, Invalid> {
    call.segment(GRANT_ID).map(GrantId::from_text)
}

async fn stored(call: &Call, id: &GrantId) -> Result<Versioned<ClientGrant>, ApiError> {
    let stored = call.state().grant_get(call.tenant(), id).await?;
    stored.ok_or(ApiError::NotFound(Missing::Grant))
}
