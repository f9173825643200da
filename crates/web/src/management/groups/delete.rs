//! `DELETE /api/v2/groups/{id}`

use domain::change::group_delete;

use super::{group_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Deletes a group with its members and roles, which raises `group.deleted`.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:groups"])?;
    let id = group_id(&call)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, id).await?;
        if call.commit(group_delete(&found, &call.origin(client.clone()))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
