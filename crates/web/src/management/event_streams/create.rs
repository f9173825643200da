//! `POST /api/v2/event-streams`

use axum::http::StatusCode;
use domain::change::{Change, Write};
use domain::ids::StreamId;
use domain::place::StartFrom;
use domain::stream::{EventStream, StreamOptions};

use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::destination::Additions;
use crate::wire::event_stream::{StreamAnswer, read_new};
use crate::wire::position::Start;
use crate::wire::stream_extension::CompletedOptions;

/// Creates an event stream.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:event_streams"])?;
    let http_allowed = call.app.settings.http_destinations_allowed;
    let types = call.event_types().await?;
    let additions = Additions {
        partner: &call.app.settings.event_bridge_partner,
        tenant: &call.served.tenant.name,
        entropy: &*call.app.entropy,
    };
    let new = read_new(payload.object().await?, &types, http_allowed, &call.served.offsets, &additions)?;
    let start = match new.start {
        Start::Place(place) => StartFrom::Place(place),
        Start::Snapshot => StartFrom::Snapshot(call.served.source.clone()),
    };
    let defaults = StreamOptions::default();
    let now = call.app.now();
    let completed = new.options.completed(&defaults, &new.destination, &*call.app.entropy, now)?;
    let CompletedOptions { options, made } = completed;
    let stream = EventStream {
        id: StreamId::generate(now, &*call.app.entropy),
        name: new.name,
        status: new.status,
        subscriptions: new.subscriptions,
        destination: new.destination,
        options,
        created_at: now,
        updated_at: now,
    };
    let limit = call.app.settings.streams_max.map(Write::StreamsBelow);
    let writes = limit.into_iter().chain([Write::StreamStart(Box::new(stream.clone()), start)]).collect();
    call.state().change_commit(call.tenant(), Change { writes, events: Vec::new() }).await?;
    Ok(answer::json(StatusCode::CREATED, &StreamAnswer::new(stream, &types).showing(made.as_ref())))
}
