//! `GET /api/v2/headwater/event-types/{name}`

use axum::http::StatusCode;

use super::NAME;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;
use crate::wire::registered_type::TypeAnswer;

/// Answers an event type beside the catalogue's.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_types"])?;
    let name = call.segment(NAME)?;
    let types = call.event_types().await?;
    let found = types.beside().into_iter().find(|each| each.name() == name);
    let found = found.ok_or(ApiError::NotFound(Missing::EventType))?;
    Ok(answer::json(StatusCode::OK, &TypeAnswer::from(&found)))
}
