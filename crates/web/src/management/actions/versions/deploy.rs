//! `POST /api/v2/actions/actions/{id}/versions/{version_id}/deploy`

use axum::http::StatusCode;
use domain::change::action_roll_back;

use super::version_id;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::actions::{found, id};
use crate::payload::Payload;
use crate::wire::action::{VersionAnswer, read_roll_back};
use crate::wire::answer;

/// Rolls an action back: makes a new version that is as an earlier one was, which runs from now on.
pub(crate) async fn deploy(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:actions"])?;
    let (id, version_id) = (id(&call)?, version_id(&call)?);
    let update_draft = read_roll_back(payload.object_or_nothing().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let stored = found(&call, id).await?;
        let version = super::found(&call, id, version_id).await?;
        let (now, entropy) = (call.app.now(), &*call.app.entropy);
        let (action, change) = action_roll_back(&stored, &version, update_draft, now, entropy);
        if call.commit(change).await? {
            let version = action.deployed.as_ref().expect("it has just been deployed");
            return Ok(answer::json(StatusCode::OK, &VersionAnswer::of(version, &action)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
