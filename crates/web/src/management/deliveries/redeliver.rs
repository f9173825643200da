//! `POST /api/v2/event-streams/{id}/redeliver/{event_id}`

use axum::http::StatusCode;
use serde_json::{Map, Value};
use store::RedeliveryRequested;

use super::{event_id, stream_must_exist};
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::payload::Payload;
use crate::wire::answer;

/// Asks for a failed delivery to be delivered again, from a disabled stream too.
pub(crate) async fn redeliver(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_deliveries"])?;
    let (stream, event) = (call.stream_id()?, event_id(&call)?);
    payload.object_or_nothing().await?.finish()?;
    stream_must_exist(&call, stream).await?;
    match call.state().redelivery_request(call.tenant(), stream, event, call.app.now()).await? {
        RedeliveryRequested::Accepted => Ok(answer::json(StatusCode::ACCEPTED, &Map::<String, Value>::new())),
        RedeliveryRequested::AlreadyWaiting => Err(ApiError::Refused(Refusal::AlreadyWaiting)),
        RedeliveryRequested::NotFound => Err(ApiError::NotFound(Missing::Delivery)),
    }
}
