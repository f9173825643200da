//! `GET /api/v2/event-streams/{id}/stats`

use axum::http::StatusCode;

use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;
use crate::wire::stats::{StatsAnswer, Window};

/// Answers how many deliveries of a stream were made, and how many failed.
pub(crate) async fn stats(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_streams", "read:event_deliveries"])?;
    let id = call.stream_id()?;
    let window = Window::read(&call.query(), call.app.now())?;
    let stored = call.state().stream_get(call.tenant(), id).await?;
    let stream = stored.ok_or(ApiError::NotFound(Missing::Stream))?.value;
    let counted = call.state().cycles_counted(call.tenant(), id, window.stretches()).await?;
    Ok(answer::json(StatusCode::OK, &StatsAnswer::new(stream, &window, &counted)))
}
