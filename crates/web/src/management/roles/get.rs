//! `GET /api/v2/roles/{id}`

use axum::http::StatusCode;

use super::{role_id, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;

/// Answers a role.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:roles"])?;
    let id = role_id(&call)?;
    Ok(answer::json(StatusCode::OK, &stored(&call, &id).await?.value))
}
