//! `DELETE /api/v2/headwater/event-types/{name}`

use store::StoreError;

use super::stored;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Removes a registered event type that no stream subscribes to. Events of it stay in the log.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:event_types"])?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call).await?;
        let name = found.value.definition.name;
        match call.state().registered_type_remove(call.tenant(), found.revision, name).await {
            Ok(()) => return Ok(answer::no_content()),
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
