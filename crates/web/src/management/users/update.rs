//! `PATCH /api/v2/users/{id}`

use axum::http::StatusCode;
use domain::change::user_update;

use super::password::is_too_weak;
use super::user_id;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::payload::Payload;
use crate::wire::{answer, user};

/// Changes a user, which raises `user.updated` if it has an effect.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:users", "update:users_app_metadata"])?;
    let id = user_id(&call)?;
    let changes = user::read_changes(payload.object().await?)?;
    if changes.password.as_ref().is_some_and(|password| is_too_weak(password, &changes.profile)) {
        return Err(ApiError::Refused(Refusal::PasswordWeak));
    }
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let stored = call.state().user_get(call.tenant(), &id).await?;
        let stored = stored.ok_or(ApiError::NotFound(Missing::User))?;
        if changes.connection.as_ref().is_some_and(|name| name != stored.value.connection()) {
            return Err(ApiError::Refused(Refusal::ConnectionUnknown));
        }
        let origin = call.origin(client.clone());
        let Some((user, change)) = user_update(&stored, changes.profile.clone(), &origin) else {
            return Ok(answer::json(StatusCode::OK, &stored.value));
        };
        if call.commit(change).await? {
            return Ok(answer::json(StatusCode::OK, &user));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
