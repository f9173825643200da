//! `GET /api/v2/actions/actions/{id}`

use axum::http::StatusCode;

use super::{found, id};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::action::ActionAnswer;
use crate::wire::answer;

/// Answers an action.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:actions"])?;
    let found = found(&call, id(&call)?).await?;
    Ok(answer::json(StatusCode::OK, &ActionAnswer::from(&found.value)))
}
