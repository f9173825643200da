//! `PATCH /api/v2/event-streams/{id}/headwater/redeliveries/{redelivery_id}` (an extension)

use axum::http::StatusCode;
use store::JobChanged;

use super::job_id;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::management::deliveries::stream_must_exist;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::redelivery::{JobAnswer, read_change};

/// Pauses, resumes or cancels a redelivery job.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_deliveries"])?;
    let (stream, id) = (call.stream_id()?, job_id(&call)?);
    let status = read_change(payload.object().await?)?;
    stream_must_exist(&call, stream).await?;
    match call.state().job_change(call.tenant(), stream, id, status, call.app.now()).await? {
        JobChanged::Changed(job) => Ok(answer::json(StatusCode::OK, &JobAnswer::new(*job, &call.event_types().await?))),
        JobChanged::HasEnded => Err(ApiError::Refused(Refusal::RedeliveryEnded)),
        JobChanged::NotFound => Err(ApiError::NotFound(Missing::Redelivery)),
    }
}
