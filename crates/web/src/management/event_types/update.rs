//! `PATCH /api/v2/headwater/event-types/{name}`

use axum::http::StatusCode;
use store::StoreError;

use super::stored;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::registered_type::{TypeAnswer, read_changes};

/// Changes what is said of a registered event type. What was published stays as it is.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_types"])?;
    let changes = read_changes(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call).await?;
        let definition = changes.clone().applied(&found.value.definition, call.app.now())?;
        let change = call.state().registered_type_change(call.tenant(), found.revision, definition.clone());
        match change.await {
            Ok(()) => return Ok(answer::json(StatusCode::OK, &TypeAnswer::from(&definition))),
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
