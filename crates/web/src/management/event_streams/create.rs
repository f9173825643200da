//! `POST /api/v2/event-streams`

use axum::http::StatusCode;
use domain::change::Write;
use domain::ids::StreamId;
use domain::place::StartFrom;
use domain::stream::EventStream;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::event_stream::{StreamAnswer, read_new};
use crate::wire::position::Start;

/// Creates an event stream.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:event_streams"])?;
    let http_allowed = call.app.settings.http_destinations_allowed;
    let types = call.event_types().await?;
    let new = read_new(payload.object().await?, &types, http_allowed, call.tenant())?;
    let start = match new.start {
        Start::Place(place) => StartFrom::Place(place),
        Start::Snapshot => StartFrom::Snapshot(call.app.source.clone()),
    };
    let now = call.app.now();
    let stream = EventStream {
        id: StreamId::generate(now, &*call.app.entropy),
        name: new.name,
        status: new.status,
        subscriptions: new.subscriptions,
        destination: new.destination,
        options: new.options,
        created_at: now,
        updated_at: now,
    };
    let write = Write::StreamStart(Box::new(stream.clone()), start);
    call.state().change_commit(call.tenant(), write.into()).await?;
    Ok(answer::json(StatusCode::CREATED, &StreamAnswer::new(stream, &types)))
}
