//! `POST /api/v2/organizations/{id}/members/{user_id}/roles`

use domain::change::member_roles_assign;

use super::{check_member, member_of};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::roles;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::role::read_roles;

/// Gives a member roles, each of which raises `organization.member.role.assigned`; one that the member has raises
/// nothing.
pub(crate) async fn assign(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:organization_member_roles"])?;
    let member = member_of(&call)?;
    let given = read_roles(payload.object().await?)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        check_member(&call, &member).await?;
        let has = call.state().member_roles_among(call.tenant(), &member, &given).await?;
        let mut new = Vec::new();
        for id in &given {
            let role = roles::stored(&call, id).await?;
            if !has.contains(id) {
                new.push(role);
            }
        }
        if call.commit(member_roles_assign(&member, &new, &call.origin(client.clone()))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
