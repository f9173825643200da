//! `GET /api/v2/event-streams`

use domain::ids::StreamId;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::event_stream::StreamAnswer;
use crate::wire::listing;
use crate::wire::query::next_of;

/// Answers a page of event streams, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:event_streams"])?;
    let checkpoint = call.query().checkpoint::<StreamId>()?;
    // One more than asked for tells whether more follow.
    let mut streams = call.state().stream_page(call.tenant(), checkpoint.after, checkpoint.take + 1).await?;
    let more_follow = streams.len() > checkpoint.take as usize;
    streams.truncate(checkpoint.take as usize);
    let next = streams.last().filter(|_| more_follow).map(|last| next_of(&last.id));
    let types = call.event_types().await?;
    let streams: Vec<_> = streams.into_iter().map(|stream| StreamAnswer::new(stream, &types)).collect();
    Ok(listing::by_checkpoint("eventStreams", &streams, next))
}
