//! `POST /api/v2/event-streams/{id}/headwater/seek` (an extension)

use axum::http::StatusCode;

use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::position::{SeekAnswer, SeekRequest, read_seek};

/// Moves an event stream in the log, or says what would come of it.
pub(crate) async fn seek(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_streams"])?;
    let id = call.stream_id()?;
    let SeekRequest { to, mode } = read_seek(payload.object().await?, &call.served.offsets)?;
    let moved = call.state().stream_seek(call.tenant(), id, to, mode).await?;
    let moved = moved.ok_or(ApiError::NotFound(Missing::Stream))?;
    Ok(answer::json(StatusCode::OK, &SeekAnswer::new(moved, mode, &call.served.offsets, &*call.app.entropy)))
}
