//! `POST /api/v2/headwater/dry-run` and `POST /api/v2/event-streams/{id}/headwater/dry-run` (extensions)

use axum::http::StatusCode;
use domain::event::{body_for_stream, stream_suffix};
use domain::expression::{Filter, Transform};
use domain::ids::StreamId;
use domain::test_event::test_event;

use crate::call::{Authenticated, Call};
use crate::error::{Answer, ApiError, Missing};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::dry_run::{DryRunRequest, GivenEvent, read_dry_run};
use crate::wire::expression::DryRunAnswer;
use crate::wire::test_event::SampleEvent;

/// Says whether an event would pass a filter, and what would be sent. Nothing is.
pub(crate) async fn dry_run(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["read:event_streams"])?;
    let types = call.event_types().await?;
    let request = read_dry_run(payload.object().await?, &types)?;
    let stream = StreamId::generate(call.app.now(), &*call.app.entropy);
    Ok(tried(&call, stream, &request, (request.filter.as_ref(), request.transform.as_ref())))
}

/// The same with the filter and the transformation of a stream, where the body gives none.
pub(crate) async fn dry_run_of_stream(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["read:event_streams"])?;
    let id = call.stream_id()?;
    let types = call.event_types().await?;
    let request = read_dry_run(payload.object().await?, &types)?;
    let stored = call.state().stream_get(call.tenant(), id).await?;
    let options = stored.ok_or(ApiError::NotFound(Missing::Stream))?.value.options;
    let filter = request.filter.as_ref().or(options.delivery.filter.as_ref());
    let transform = request.transform.as_ref().or(options.delivery.transform.as_ref());
    Ok(tried(&call, id, &request, (filter, transform)))
}

fn tried(
    call: &Call,
    stream: StreamId,
    request: &DryRunRequest,
    (filter, transform): (Option<&Filter>, Option<&Transform>),
) -> axum::response::Response {
    let event = match &request.event {
        GivenEvent::Whole(event) => event.get().as_bytes().to_vec(),
        GivenEvent::Sample(SampleEvent { event_type, name, data }) => {
            let (source, entropy) = (&call.served.source, &*call.app.entropy);
            let event = test_event(*event_type, name, &**data, source, call.app.now(), entropy);
            body_for_stream(&event.body, &stream_suffix(stream)).concat()
        }
    };
    answer::json(StatusCode::OK, &DryRunAnswer::of(&event, filter, transform))
}
