//! `POST /api/v2/roles/{id}/users`

use axum::http::StatusCode;
use domain::change::roles_assign;
use serde_json::json;

use super::{role_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::users;
use crate::payload::Payload;
use crate::wire::{answer, role};

/// Gives a role to users. It raises nothing.
pub(crate) async fn assign(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:role_members", "update:users"])?;
    let id = role_id(&call)?;
    let users = role::read_users(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        stored(&call, &id).await?;
        for user in &users {
            users::stored(&call, user).await?;
        }
        let pairs = users.iter().map(|user| (user.clone(), id.clone()));
        if call.commit(roles_assign(pairs)).await? {
            return Ok(answer::json(StatusCode::OK, &json!({})));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
