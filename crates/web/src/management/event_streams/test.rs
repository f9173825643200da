//! `POST /api/v2/event-streams/{id}/test`

use axum::http::StatusCode;
use domain::stream::StreamStatus;
use domain::test_event::test_event;

use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::delivery::DeliveryAnswer;
use crate::wire::test_event::{SampleEvent, TestRequest, read_test};

/// Sends a test event to a stream, whatever it subscribes to.
pub(crate) async fn test(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_streams"])?;
    let id = call.stream_id()?;
    let types = call.event_types().await?;
    let TestRequest { event: SampleEvent { event_type, name, data }, while_disabled } =
        read_test(payload.object().await?, &types)?;
    let stored = call.state().stream_get(call.tenant(), id).await?;
    let stream = stored.ok_or(ApiError::NotFound(Missing::Stream))?.value;
    if stream.status == StreamStatus::Disabled && !while_disabled {
        return Err(ApiError::Refused(Refusal::StreamDisabled));
    }
    let event = test_event(event_type, &name, &*data, &call.served.source, call.app.now(), &*call.app.entropy);
    let pending = DeliveryAnswer::pending(id, &event)?;
    call.state().test_event_append(call.tenant(), id, event).await?;
    Ok(answer::json(StatusCode::ACCEPTED, &pending))
}
