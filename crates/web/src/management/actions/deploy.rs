//! `POST /api/v2/actions/actions/{id}/deploy`

use axum::http::StatusCode;
use domain::action::{Action, Build};
use domain::change::{Versioned, action_deploy};

use super::{build, found, id};
use crate::call::{Authenticated, CHANGE_TRIES_MAX, Call};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::action::VersionAnswer;
use crate::wire::answer;

/// Makes a version of an action's draft, which runs from now on.
pub(crate) async fn deploy(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["create:actions"])?;
    let stored = found(&call, id(&call)?).await?;
    let action = deployed(&call, stored).await?;
    let version = action.deployed.as_ref().expect("it has just been deployed");
    Ok(answer::json(StatusCode::OK, &VersionAnswer::of(version, &action)))
}

/// Why a draft that is not built is not deployed.
pub(super) fn refused(build: Build) -> ApiError {
    match build {
        Build::Failed { reason } => ApiError::ActionFails(reason),
        Build::Pending | Build::Built { .. } => ApiError::Refused(Refusal::ActionUnchecked),
    }
}

/// The action once its draft, as it is when that succeeds, has been deployed.
async fn deployed(call: &Call, mut stored: Versioned<Action>) -> Result<Action, ApiError> {
    for _ in 0..CHANGE_TRIES_MAX {
        build(call, &mut stored.value).await;
        let Ok((action, change)) = action_deploy(&stored, call.app.now(), &*call.app.entropy) else {
            return Err(refused(stored.value.build));
        };
        if call.commit(change).await? {
            return Ok(action);
        }
        stored = found(call, stored.value.id).await?;
    }
    Err(ApiError::Refused(Refusal::Contended))
}
