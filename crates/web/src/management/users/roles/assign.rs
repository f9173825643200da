//! `POST /api/v2/users/{id}/roles`

use domain::change::roles_assign;

use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::roles;
use crate::management::users::{stored, user_id};
use crate::payload::Payload;
use crate::wire::{answer, role};

/// Gives a user roles.
pub(crate) async fn assign(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:users"])?;
    let id = user_id(&call)?;
    let roles = role::read_roles(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        stored(&call, &id).await?;
        for role in &roles {
            roles::stored(&call, role).await?;
        }
        if call.commit(roles_assign(roles.iter().map(|role| (id.clone(), role.clone())))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
