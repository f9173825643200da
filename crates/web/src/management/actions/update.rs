//! `PATCH /api/v2/actions/actions/{id}`

use axum::http::StatusCode;
use domain::change::{ActionWrite, Expect};

use super::{body, build, found, id};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::action::{ActionAnswer, read_changes};
use crate::wire::answer;
use crate::wire::reader::Invalid;

/// Changes the draft of an action. What is deployed runs on as it is.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:actions"])?;
    let id = id(&call)?;
    let patch = read_changes(body(payload).await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let stored = found(&call, id).await?;
        let changed = stored.value.patched(patch.clone(), call.app.now());
        let mut action = changed.map_err(|error| ApiError::Invalid(Invalid::from(error)))?;
        build(&call, &mut action).await;
        let write = ActionWrite::Put(Expect::At(stored.revision), Box::new(action.clone()));
        if action == stored.value || call.commit(write.into()).await? {
            return Ok(answer::json(StatusCode::OK, &ActionAnswer::from(&action)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
