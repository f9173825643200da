//! `GET /api/v2/event-streams/{id}`

use axum::http::StatusCode;

use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;
use crate::wire::event_stream::StreamAnswer;

/// Answers an event stream.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_streams"])?;
    let id = call.stream_id()?;
    let stored = call.state().stream_get(call.tenant(), id).await?;
    let stream = stored.ok_or(ApiError::NotFound(Missing::Stream))?.value;
    let missed = call.state().missed_ranges(call.tenant(), id).await?;
    let answered = StreamAnswer::new(stream, &call.event_types().await?).with_missed(
        &missed,
        &call.served.offsets,
        &*call.app.entropy,
    );
    Ok(answer::json(StatusCode::OK, &answered))
}
