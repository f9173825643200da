//! `GET /api/v2/event-streams/{id}/deliveries`

use domain::catalog::EventTypes;
use domain::event::Seq;
use domain::ids::StreamId;
use store::{FailedDelivery, StoreError};

use super::stream_must_exist;
use crate::call::{Authenticated, Call};
use crate::error::Answer;
use crate::event_types::EventTypeNames;
use crate::wire::delivery::DeliveryAnswer;
use crate::wire::listing;
use crate::wire::query::{Checkpoint, PAGE_MAX, QueryReader, next_of};
use crate::wire::reader::{Field, Invalid};

const STATUSES: Field = Field::new("statuses", "Comma-separated list of statuses by which to filter.");
const EVENT_TYPES: Field = Field::new("event_types", "Comma-separated list of event types by which to filter.");
/// How many deliveries one call looks at when it filters; the rest is for the next page.
const SCANNED_MAX: u32 = 1000;

/// Answers a page of failed deliveries, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_streams", "read:event_deliveries"])?;
    let stream = call.stream_id()?;
    let query = call.query();
    query.refuse(&["date_from", "date_to"])?;
    let checkpoint = query.checkpoint::<Seq>()?;
    let wanted = read_filters(&query, &call.event_types().await?)?;
    stream_must_exist(&call, stream).await?;
    let (deliveries, next) = page(&call, stream, &checkpoint, wanted).await?;
    let deliveries =
        deliveries.into_iter().map(|each| DeliveryAnswer::new(stream, each)).collect::<Result<Vec<_>, _>>()?;
    Ok(listing::by_checkpoint("deliveries", &deliveries, next.map(|seq| next_of(&seq))))
}

/// The event types that are wanted; only failed deliveries are kept, so no other status can be.
fn read_filters(query: &QueryReader, types: &EventTypeNames) -> Result<Option<EventTypes>, Invalid> {
    let unknown = |field, word: &str| QueryReader::fault(field, &format!("No enum match for: {word}"));
    if let Some(other) = query.list(STATUSES.name).into_iter().find(|word| *word != "failed") {
        return Err(unknown(STATUSES, other));
    }
    let named = query.list(EVENT_TYPES.name);
    let read = |word: &&str| types.resolve(word).ok_or_else(|| unknown(EVENT_TYPES, word));
    let wanted = named.iter().map(read).collect::<Result<EventTypes, _>>()?;
    Ok((!wanted.is_empty()).then_some(wanted))
}

/// At most `take` deliveries of the wanted types, and where to go on if more may follow.
async fn page(
    call: &Call,
    stream: StreamId,
    checkpoint: &Checkpoint<Seq>,
    wanted: Option<EventTypes>,
) -> Result<(Vec<FailedDelivery>, Option<Seq>), StoreError> {
    let take = checkpoint.take as usize;
    let chunk = if wanted.is_some() { PAGE_MAX } else { checkpoint.take + 1 };
    let mut found: Vec<FailedDelivery> = Vec::new();
    let mut after = checkpoint.after.unwrap_or(Seq::ZERO);
    let mut scanned = 0;
    while scanned < SCANNED_MAX {
        let read = call.state().failure_page(call.tenant(), stream, after, chunk).await?;
        let is_end = read.len() < chunk as usize;
        scanned += chunk;
        for delivery in read {
            if wanted.as_ref().is_some_and(|types| !types.contains(delivery.event_type)) {
                after = delivery.seq;
            } else if found.len() == take {
                return Ok((found, Some(after)));
            } else {
                after = delivery.seq;
                found.push(delivery);
            }
        }
        if is_end {
            return Ok((found, None));
        }
    }
    Ok((found, Some(after)))
}
