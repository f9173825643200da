//! `PATCH /api/v2/organizations/{id}`

use axum::http::StatusCode;
use domain::change::organization_update;

use super::{organization_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::organization::read_changes;

/// Changes an organization, which raises `organization.updated` if it has an effect.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:organizations"])?;
    let id = organization_id(&call)?;
    let patch = read_changes(payload.object().await?)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let origin = call.origin(client.clone());
        let Some((organization, change)) = organization_update(&found, patch.clone(), &origin) else {
            return Ok(answer::json(StatusCode::OK, &found.value));
        };
        if call.commit(change).await? {
            return Ok(answer::json(StatusCode::OK, &organization));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
