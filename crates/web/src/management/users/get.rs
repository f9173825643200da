//! `GET /api/v2/users/{id}`

use axum::http::StatusCode;

use super::{selected, user_id};
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;

/// Answers a user.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:users"])?;
    let id = user_id(&call)?;
    let selection = call.query().selection()?;
    let stored = call.state().user_get(call.tenant(), &id).await?;
    let user = stored.ok_or(ApiError::NotFound(Missing::User))?.value;
    match selection {
        None => Ok(answer::json(StatusCode::OK, &user)),
        Some(selection) => Ok(answer::json(StatusCode::OK, &selected(&user, &selection)?)),
    }
}
