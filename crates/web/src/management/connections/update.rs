//! `PATCH /api/v2/connections/{id}`

use axum::http::StatusCode;
use domain::change::connection_update;

use super::{check_clients, connection_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::connection::{self, ConnectionAnswer, check_options};

/// Changes a connection, which raises `connection.updated` if it is an enterprise one.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:connections"])?;
    let id = connection_id(&call)?;
    let patch = connection::read_changes(payload.object().await?)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        check_clients(&call, patch.enabled_clients.as_deref().unwrap_or_default(), &found.value.enabled_clients)
            .await?;
        let origin = call.origin(client.clone());
        let Some((changed, change)) = connection_update(&found, &patch, &origin) else {
            return Ok(answer::json(StatusCode::OK, &ConnectionAnswer::from(found.value)));
        };
        if patch.options.is_some() {
            check_options(changed.strategy, &changed.options)?;
        }
        if call.commit(change).await? {
            return Ok(answer::json(StatusCode::OK, &ConnectionAnswer::from(changed)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
