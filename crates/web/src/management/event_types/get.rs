//! `GET /api/v2/headwater/event-types/{name}`

use axum::http::StatusCode;

use super::stored;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::registered_type::TypeAnswer;

/// Answers a registered event type.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_types"])?;
    let found = stored(&call).await?;
    Ok(answer::json(StatusCode::OK, &TypeAnswer::from(&found.value.definition)))
}
