//! `DELETE /api/v2/actions/actions/{id}`

use domain::change::action_delete;

use super::id;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;
use crate::wire::reader::Field;

const FORCE: Field = Field::new("force", "Whether to delete it although event streams use it.");

/// Deletes an action with its versions; one that is not there is gone already. While event streams use it, that must be
/// forced, and disables them: they keep what they miss, but nothing can be delivered any more.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:actions"])?;
    let id = id(&call)?;
    let force = call.query().flag(FORCE)?.unwrap_or(false);
    for _ in 0..CHANGE_TRIES_MAX {
        let Some(stored) = call.state().action_get(call.tenant(), id).await? else {
            return Ok(answer::no_content());
        };
        let streams = call.state().action_streams(call.tenant(), id).await?;
        if !streams.is_empty() && !force {
            return Err(ApiError::Refused(Refusal::ActionInUse));
        }
        if call.commit(action_delete(&stored, &streams, call.app.now())).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
