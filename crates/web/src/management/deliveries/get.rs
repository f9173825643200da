//! `GET /api/v2/event-streams/{id}/deliveries/{event_id}`

use axum::http::StatusCode;

use super::{event_id, stream_must_exist};
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;
use crate::wire::delivery::DeliveryAnswer;

/// Answers a failed delivery.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_deliveries"])?;
    let (stream, event) = (call.stream_id()?, event_id(&call)?);
    stream_must_exist(&call, stream).await?;
    let delivery = call.state().failure_get(call.tenant(), stream, event).await?;
    let delivery = delivery.ok_or(ApiError::NotFound(Missing::Delivery))?;
    Ok(answer::json(StatusCode::OK, &DeliveryAnswer::new(stream, delivery)?))
}
