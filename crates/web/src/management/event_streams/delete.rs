//! `DELETE /api/v2/event-streams/{id}`

use domain::change::Write;

use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Deletes an event stream with its deliveries; one that is not there is gone already.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:event_streams"])?;
    let id = call.stream_id()?;
    for _ in 0..CHANGE_TRIES_MAX {
        let Some(stored) = call.state().stream_get(call.tenant(), id).await? else {
            return Ok(answer::no_content());
        };
        if call.commit(Write::StreamDelete(stored.revision, id).into()).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
