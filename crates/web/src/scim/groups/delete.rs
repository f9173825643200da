//! `DELETE …/Groups/{id}`

use axum::http::StatusCode;
use domain::change::group_delete;

use super::stored;
use crate::call::CHANGE_TRIES_MAX;
use crate::scim::answer;
use crate::scim::call::ScimCaller;
use crate::scim::error::{ScimAnswer, ScimError};

/// Deletes a group with its members and roles, which raises `group.deleted`.
pub(crate) async fn delete(caller: ScimCaller) -> ScimAnswer {
    let call = caller.authorise("delete:groups")?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call).await?;
        call.check_version(&found)?;
        if call.commit(group_delete(&found, &call.origin())).await? {
            return Ok(answer::empty(StatusCode::NO_CONTENT));
        }
    }
    Err(ScimError::Contended)
}
