//! `POST /api/v2/event-streams/{id}/redeliver`

use axum::http::StatusCode;
use domain::redelivery::JobKind;
use store::{JobRequested, NewJob};

use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::redelivery::{
    ExtensionAnswer, JobAnswer, RedeliveryAnswer, RedeliveryExtension, RedeliveryRequest, read_many,
};

/// Begins a job that delivers again what is meant, from a disabled stream too; or says how much that would be.
pub(crate) async fn redeliver_many(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_deliveries"])?;
    let stream = call.stream_id()?;
    let types = call.event_types().await?;
    let RedeliveryRequest { given, filter, extension } = read_many(payload.object_or_nothing().await?, &types)?;
    let (state, tenant) = (call.state(), call.tenant());
    let kind = extension.as_ref().map_or(JobKind::Failed, RedeliveryExtension::kind);
    if extension.is_some_and(|extension| extension.dry_run) {
        let counted = state.job_count(tenant, stream, kind, filter).await?;
        let counted = counted.ok_or(ApiError::NotFound(Missing::Stream))?.into();
        let headwater = Some(ExtensionAnswer::DryRun { dry_run: true, counted });
        return Ok(answer::json(StatusCode::OK, &RedeliveryAnswer { given, headwater }));
    }
    let rate_per_s = extension.and_then(|extension| extension.rate_per_s);
    let new = NewJob { start: call.job_start(), kind, filter, rate_per_s };
    match state.job_begin(tenant, stream, new).await? {
        JobRequested::Begun(job) => {
            let headwater = extension.map(|_| ExtensionAnswer::Job(Box::new(JobAnswer::new(*job, &types))));
            Ok(answer::json(StatusCode::ACCEPTED, &RedeliveryAnswer { given, headwater }))
        }
        JobRequested::TooMany => Err(ApiError::Refused(Refusal::TooManyRedeliveries)),
        JobRequested::NoStream => Err(ApiError::NotFound(Missing::Stream)),
    }
}
