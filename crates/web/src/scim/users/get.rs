//! `GET …/Users/{id}`

use axum::http::StatusCode;

use super::{answered, stored};
use crate::scim::answer;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;

/// Answers a user.
pub(crate) async fn get(caller: ScimCaller) -> ScimAnswer {
    let call = caller.authorise("get:users")?;
    let found = stored(&call).await?;
    if call.knows(&found) {
        return Ok(answer::empty(StatusCode::NOT_MODIFIED));
    }
    Ok(answered(&call, StatusCode::OK, &found))
}
