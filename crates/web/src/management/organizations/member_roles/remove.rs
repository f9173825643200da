//! `DELETE /api/v2/organizations/{id}/members/{user_id}/roles`

use domain::change::member_roles_remove;

use super::{check_member, member_of};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::role::read_roles;

/// Takes roles from a member, each of which raises `organization.member.role.deleted`; one that the member does not have
/// raises nothing.
pub(crate) async fn remove(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["delete:organization_member_roles"])?;
    let member = member_of(&call)?;
    let given = read_roles(payload.object().await?)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        check_member(&call, &member).await?;
        let mut taken = Vec::new();
        for id in call.state().member_roles_among(call.tenant(), &member, &given).await? {
            taken.extend(call.state().role_get(call.tenant(), &id).await?);
        }
        if call.commit(member_roles_remove(&member, &taken, &call.origin(client.clone()))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
