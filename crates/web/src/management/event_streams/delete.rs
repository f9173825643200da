//! `DELETE /api/v2/event-streams/{id}`

use domain::change::{Change, Versioned, Write, action_stream_delete};
use domain::destination::Destination;
use domain::stream::EventStream;
use store::StoreError;

use crate::call::{Authenticated, CHANGE_TRIES_MAX, Call};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Deletes an event stream with its deliveries, and with its action if no other stream has that; one that is not there is
/// gone already.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:event_streams"])?;
    let id = call.stream_id()?;
    for _ in 0..CHANGE_TRIES_MAX {
        let Some(stored) = call.state().stream_get(call.tenant(), id).await? else {
            return Ok(answer::no_content());
        };
        if call.commit(removal(&call, &stored).await?).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}

async fn removal(call: &Call, stored: &Versioned<EventStream>) -> Result<Change, StoreError> {
    let Destination::Action(destination) = &stored.value.destination else {
        return Ok(Write::StreamDelete(stored.revision, stored.value.id).into());
    };
    let action = call.state().action_get(call.tenant(), destination.action_id).await?;
    let streams = call.state().action_streams(call.tenant(), destination.action_id).await?;
    let others = streams.iter().map(|stream| stream.value.id).filter(|id| *id != stored.value.id).collect();
    Ok(action_stream_delete(stored, destination.action_id, action.as_ref(), others))
}
