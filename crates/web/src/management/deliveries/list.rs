//! `GET /api/v2/event-streams/{id}/deliveries`

use domain::event::Seq;

use super::stream_must_exist;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::delivery::DeliveryAnswer;
use crate::wire::{delivery_filter, listing};

/// Answers a page of failed deliveries, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_streams", "read:event_deliveries"])?;
    let stream = call.stream_id()?;
    let query = call.query();
    let checkpoint = query.checkpoint_by_offset(&call.served.offsets)?;
    let filter = delivery_filter::read_query(&query, &call.event_types().await?)?;
    stream_must_exist(&call, stream).await?;
    let after = checkpoint.after.unwrap_or(Seq::ZERO);
    // One more than asked for tells whether more follow.
    let mut found = call.state().failure_page(call.tenant(), stream, filter, after, checkpoint.take + 1).await?;
    let more_follow = found.len() > checkpoint.take as usize;
    found.truncate(checkpoint.take as usize);
    let next = found.last().filter(|_| more_follow);
    let next = next.map(|last| call.served.offsets.of_place(last.seq, &*call.app.entropy));
    let deliveries = found.into_iter().map(|each| DeliveryAnswer::new(stream, each)).collect::<Result<Vec<_>, _>>()?;
    Ok(listing::by_checkpoint("deliveries", &deliveries, next))
}
