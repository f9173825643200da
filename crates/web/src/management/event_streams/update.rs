//! `PATCH /api/v2/event-streams/{id}`

use axum::http::StatusCode;
use domain::change::{StreamPatch, stream_update};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamStatus};

use crate::call::{Authenticated, CHANGE_TRIES_MAX, Call};
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::event_stream::{StreamAnswer, StreamChanges, read_changes};
use crate::wire::reader::Invalid;
use crate::wire::stream_extension::CompletedOptions;

/// Changes an event stream.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:event_streams"])?;
    let id = call.stream_id()?;
    let http_allowed = call.app.settings.http_destinations_allowed;
    let types = call.event_types().await?;
    let changes = read_changes(payload.object().await?, &types, http_allowed)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let stored = call.state().stream_get(call.tenant(), id).await?;
        let stored = stored.ok_or(ApiError::NotFound(Missing::Stream))?;
        let (patch, made) = patch_for(&call, &stored.value, &changes)?;
        refuse_enabling_while_failing(&call, &stored.value, &patch).await?;
        let Some((stream, change)) = stream_update(&stored, patch, call.app.now()) else {
            return Ok(answer::json(StatusCode::OK, &StreamAnswer::new(stored.value, &types)));
        };
        if call.commit(change).await? {
            return Ok(answer::json(StatusCode::OK, &StreamAnswer::new(stream, &types).showing(made.as_ref())));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}

/// The changes, with the stored secret where none is given, and a signing secret that had to be made.
fn patch_for(
    call: &Call,
    stored: &EventStream,
    changes: &StreamChanges,
) -> Result<(StreamPatch, Option<Secret>), Invalid> {
    if let Some(given) = changes.destination.as_ref().filter(|_| call.app.settings.secrets_bound_to_origin) {
        given.bound_to_origin(&stored.destination)?;
    }
    let destination = changes.destination.clone().map(|given| given.changed(&stored.destination));
    let destination = destination.transpose()?;
    let effective = destination.as_ref().unwrap_or(&stored.destination);
    let options = changes.options.clone();
    let completed = options.completed(&stored.options, effective, &*call.app.entropy, call.app.now())?;
    let CompletedOptions { options, made } = completed;
    let patch = StreamPatch {
        name: changes.name.clone(),
        status: changes.status,
        subscriptions: changes.subscriptions.clone(),
        destination,
        options: Some(options),
        resume: changes.resume.unwrap_or_default(),
    };
    Ok((patch, made))
}

/// A stream that was disabled for its failures is enabled again only after enough of them were redelivered.
async fn refuse_enabling_while_failing(call: &Call, stored: &EventStream, patch: &StreamPatch) -> Result<(), ApiError> {
    let enables = stored.status == StreamStatus::Disabled && patch.status == Some(StreamStatus::Enabled);
    if !enables {
        return Ok(());
    }
    let outstanding = call.state().failure_count(call.tenant(), stored.id).await?;
    if outstanding >= u64::from(call.app.settings.failures_outstanding_max) {
        return Err(ApiError::Refused(Refusal::TooManyFailures));
    }
    Ok(())
}
