//! `GET /api/v2/event-streams/{id}/headwater/redeliveries/{redelivery_id}` (an extension)

use axum::http::StatusCode;

use super::job_id;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::management::deliveries::stream_must_exist;
use crate::wire::answer;
use crate::wire::redelivery::JobAnswer;

/// Answers a redelivery job.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_streams", "read:event_deliveries"])?;
    let (stream, id) = (call.stream_id()?, job_id(&call)?);
    stream_must_exist(&call, stream).await?;
    let job = call.state().job_get(call.tenant(), stream, id).await?;
    let job = job.ok_or(ApiError::NotFound(Missing::Redelivery))?;
    Ok(answer::json(StatusCode::OK, &JobAnswer::new(job, &call.event_types().await?)))
}
