//! `POST /api/v2/events`

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use domain::clock::Timestamp;
use domain::event::Event;
use domain::ids::EventId;
use domain::publish::{Publication, PublishedEvent};
use serde::Serialize;

use super::identity::identify;
use crate::call::{Authenticated, Call};
use crate::error::Answer;
use crate::payload::Payload;
use crate::state::App;
use crate::wire::answer;
use crate::wire::cloud_event::{self, CloudEvent, Rules};

const BATCH: &str = "application/cloudevents-batch+json";

/// Whether a body is one event or a list of them.
pub(crate) enum Form {
    /// One.
    One,
    /// A list.
    Batch,
}

impl FromRequestParts<Arc<App>> for Form {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Infallible> {
        let given = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        Ok(if essence.eq_ignore_ascii_case(BATCH) { Self::Batch } else { Self::One })
    }
}

#[derive(Serialize)]
struct Accepted {
    id: EventId,
}

#[derive(Serialize)]
struct BatchAccepted {
    ids: Vec<EventId>,
}

/// Publishes an event or a batch of them, whole or not at all. What was published before is not published
/// again, and answered alike.
pub(crate) async fn publish(caller: Authenticated, form: Form, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:events"])?;
    let now = call.app.now();
    let types = call.event_types().await?;
    let rules = Rules { types: &types, schemas: &call.app.schemas, now };
    let (events, answer) = match form {
        Form::One => {
            let body = payload.bytes().await?;
            let event = prepared(&call, cloud_event::read_one(&body, rules)?, now);
            let accepted = Accepted { id: event.event.id };
            (vec![event], answer::json(StatusCode::ACCEPTED, &accepted))
        }
        Form::Batch => {
            let body = payload.up_to(call.app.settings.batch_bytes_max).bytes().await?;
            let events = cloud_event::read_batch(&body, rules)?;
            let events: Vec<_> = events.into_iter().map(|event| prepared(&call, event, now)).collect();
            let accepted = BatchAccepted { ids: events.iter().map(|event| event.event.id).collect() };
            (events, answer::json(StatusCode::ACCEPTED, &accepted))
        }
    };
    call.state().events_publish(call.tenant(), events).await?;
    Ok(answer)
}

/// The event as it is logged, taken at `now`.
fn prepared(call: &Call, given: CloudEvent<'_>, now: Timestamp) -> PublishedEvent {
    let (key, id) = identify(call.tenant(), &given.source, &given.id);
    let publication = Publication {
        source: &given.source,
        tenant_name: &call.served.source.tenant_name,
        id,
        type_name: &given.type_name,
        time: given.time,
        data: given.data,
    };
    let body = publication.body();
    PublishedEvent { key, event: Event { id, event_type: given.event_type, subject: given.subject, time: now, body } }
}
