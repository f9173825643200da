//! `DELETE …/Users/{id}`

use axum::http::StatusCode;
use domain::change::user_delete;

use super::{stored, user_of};
use crate::call::CHANGE_TRIES_MAX;
use crate::scim::answer;
use crate::scim::call::ScimCaller;
use crate::scim::error::{ScimAnswer, ScimError};

/// Deletes a user, which raises `user.deleted`. Memberships go with the user, without further events.
pub(crate) async fn delete(caller: ScimCaller) -> ScimAnswer {
    let call = caller.authorise("delete:users")?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call).await?;
        call.check_version(&found)?;
        let user = user_of(&call, &found.value).await?;
        if call.commit(user_delete(&user, &call.origin())).await? {
            return Ok(answer::empty(StatusCode::NO_CONTENT));
        }
    }
    Err(ScimError::Contended)
}
