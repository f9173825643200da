//! `POST /api/v2/headwater/event-types`

use axum::http::StatusCode;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::registered_type::{TypeAnswer, read_new};

/// Registers an event type.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:event_types"])?;
    let definition = read_new(payload.object().await?, call.app.now())?;
    call.state().registered_type_add(call.tenant(), definition.clone()).await?;
    Ok(answer::json(StatusCode::CREATED, &TypeAnswer::from(&definition)))
}
