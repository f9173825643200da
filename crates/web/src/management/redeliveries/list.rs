//! `GET /api/v2/event-streams/{id}/headwater/redeliveries` (an extension)

use domain::ids::JobId;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::deliveries::stream_must_exist;
use crate::wire::listing;
use crate::wire::query::next_of;
use crate::wire::redelivery::JobAnswer;

/// Answers a page of a stream's redelivery jobs, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_streams", "read:event_deliveries"])?;
    let stream = call.stream_id()?;
    let checkpoint = call.query().checkpoint::<JobId>()?;
    stream_must_exist(&call, stream).await?;
    // One more than asked for tells whether more follow.
    let mut jobs = call.state().job_page(call.tenant(), stream, checkpoint.after, checkpoint.take + 1).await?;
    let more_follow = jobs.len() > checkpoint.take as usize;
    jobs.truncate(checkpoint.take as usize);
    let next = jobs.last().filter(|_| more_follow).map(|last| next_of(&last.start.id));
    let types = call.event_types().await?;
    let jobs: Vec<_> = jobs.into_iter().map(|job| JobAnswer::new(job, &types)).collect();
    Ok(listing::by_checkpoint("redeliveries", &jobs, next))
}
