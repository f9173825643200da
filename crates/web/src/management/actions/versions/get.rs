//! `GET /api/v2/actions/actions/{id}/versions/{version_id}`

use axum::http::StatusCode;

use super::version_id;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::actions::{found, id};
use crate::wire::action::VersionAnswer;
use crate::wire::answer;

/// Answers a version of an action.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:actions"])?;
    let (id, version_id) = (id(&call)?, version_id(&call)?);
    let action = found(&call, id).await?.value;
    let version = super::found(&call, id, version_id).await?;
    Ok(answer::json(StatusCode::OK, &VersionAnswer::of(&version, &action)))
}
