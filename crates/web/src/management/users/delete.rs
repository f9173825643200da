//! `DELETE /api/v2/users/{id}`

use domain::change::user_delete;

use super::user_id;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Deletes a user, which raises `user.deleted`; a user who is not there is gone already.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:users"])?;
    let id = user_id(&call)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let Some(stored) = call.state().user_get(call.tenant(), &id).await? else {
            return Ok(answer::no_content());
        };
        if call.commit(user_delete(&stored, &call.origin(client.clone()))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
