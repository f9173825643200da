//! `DELETE /api/v2/connections/{id}`

use axum::http::StatusCode;
use domain::change::connection_delete;
use domain::clock::Timestamp;
use serde::Serialize;

use super::{connection_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

#[derive(Serialize)]
struct Deleted {
    deleted_at: Timestamp,
}

/// Deletes a connection with what belongs to it, which raises `connection.deleted` if it is an enterprise one. Its
/// users stay.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:connections"])?;
    let id = connection_id(&call)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let origin = call.origin(client.clone());
        if call.commit(connection_delete(&found, &origin)).await? {
            return Ok(answer::json(StatusCode::ACCEPTED, &Deleted { deleted_at: origin.now }));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
