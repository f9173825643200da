//! `DELETE /api/v2/roles/{id}`

use axum::http::StatusCode;
use domain::change::RoleWrite;
use serde_json::json;

use super::{role_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Deletes a role, and takes it from everybody who has it. It is answered with 200 and `{}`, as the contract has it.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:roles"])?;
    let id = role_id(&call)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        if call.commit(RoleWrite::Delete(found.revision, id.clone()).into()).await? {
            return Ok(answer::json(StatusCode::OK, &json!({})));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
