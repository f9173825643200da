//! `POST /api/v2/event-streams`

use axum::http::StatusCode;
use domain::change::{Expect, Write};
use domain::ids::StreamId;
use domain::stream::EventStream;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::event_stream::{StreamAnswer, read_new};

/// Creates an event stream.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:event_streams"])?;
    let new = read_new(payload.object().await?, call.app.settings.http_destinations_allowed)?;
    let now = call.app.now();
    let stream = EventStream {
        id: StreamId::generate(now, &*call.app.entropy),
        name: new.name,
        status: new.status,
        subscriptions: new.subscriptions,
        destination: new.destination,
        created_at: now,
        updated_at: now,
    };
    let write = Write::StreamPut(Expect::Absent, Box::new(stream.clone()));
    call.state().change_commit(call.tenant(), write.into()).await?;
    Ok(answer::json(StatusCode::CREATED, &StreamAnswer::from(stream)))
}
