//! `DELETE /api/v2/users/{id}/roles`

use domain::change::roles_unassign;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::users::{stored, user_id};
use crate::payload::Payload;
use crate::wire::{answer, role};

/// Takes roles from a user; those that the user does not have count as taken.
pub(crate) async fn remove(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:users"])?;
    let id = user_id(&call)?;
    let roles = role::read_roles(payload.object().await?)?;
    stored(&call, &id).await?;
    let change = roles_unassign(roles.into_iter().map(|role| (id.clone(), role)));
    call.state().change_commit(call.tenant(), change).await?;
    Ok(answer::no_content())
}
