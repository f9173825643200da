//! `DELETE /api/v2/organizations/{id}/members`

use domain::change::members_remove;

use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::organizations::{organization_id, stored};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::organization::read_members;

/// Removes members with their roles, each of whom raises `organization.member.deleted`; who is none raises nothing.
pub(crate) async fn remove(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["delete:organization_members"])?;
    let id = organization_id(&call)?;
    let given = read_members(payload.object().await?)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let organization = stored(&call, &id).await?;
        let members = call.state().members_among(call.tenant(), &id, &given).await?;
        if call.commit(members_remove(&organization, members, &call.origin(client.clone()))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
