//! `POST /api/v2/event-streams/{id}/redeliver/{event_id}`

use axum::http::StatusCode;
use store::RedeliveryRequested;

use super::{event_id, stream_must_exist};
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::delivery_filter::GivenFilter;
use crate::wire::redelivery::{ExtensionAnswer, JobAnswer, RedeliveryAnswer, read_one};

/// Asks for a failed delivery to be delivered again, from a disabled stream too.
pub(crate) async fn redeliver(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_deliveries"])?;
    let (stream, event) = (call.stream_id()?, event_id(&call)?);
    let wants_job = read_one(payload.object_or_nothing().await?)?;
    stream_must_exist(&call, stream).await?;
    let start = call.job_start();
    let id = start.id;
    match call.state().redelivery_request(call.tenant(), stream, event, start).await? {
        RedeliveryRequested::Accepted => {
            let job = if wants_job { call.state().job_get(call.tenant(), stream, id).await? } else { None };
            let types = call.event_types().await?;
            let headwater = job.map(|job| ExtensionAnswer::Job(Box::new(JobAnswer::new(job, &types))));
            let answered = RedeliveryAnswer { given: GivenFilter::default(), headwater };
            Ok(answer::json(StatusCode::ACCEPTED, &answered))
        }
        RedeliveryRequested::AlreadyWaiting => Err(ApiError::Refused(Refusal::AlreadyWaiting)),
        RedeliveryRequested::NotFound => Err(ApiError::NotFound(Missing::Delivery)),
    }
}
