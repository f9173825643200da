//! `POST /api/v2/users/{id}/identities`

use axum::http::StatusCode;
use domain::change::{Versioned, identity_link};
use domain::ids::UserId;
use domain::user::User;

use crate::call::{Authenticated, CHANGE_TRIES_MAX, Call};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::users::{stored, user_id};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::identity::{NewLink, read_link};

/// Makes another user an identity of this one, which raises `user.updated` of this one and `user.deleted` of the other.
/// Answers all identities.
pub(crate) async fn link(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:users"])?;
    let id = user_id(&call)?;
    let link = read_link(payload.object().await?)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let primary = stored(&call, &id).await?;
        let secondary = secondary(&call, &link).await?;
        if primary.value.user_id == secondary.value.user_id {
            return Err(ApiError::Refused(Refusal::LinkedToItself));
        }
        let (user, change) = identity_link(&primary, &secondary, &call.origin(client.clone()));
        if call.commit(change).await? {
            return Ok(answer::json(StatusCode::CREATED, &user.identities));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}

/// The user who is to be linked, of the connection that was named.
async fn secondary(call: &Call, link: &NewLink) -> Result<Versioned<User>, ApiError> {
    let id = UserId::from_text(format!("{}|{}", link.provider, link.user_id));
    let secondary = match call.state().user_get(call.tenant(), &id).await? {
        Some(found) => found,
        // Some callers give the whole id.
        None if link.user_id.starts_with(&format!("{}|", link.provider)) => {
            stored(call, &UserId::from_text(link.user_id.clone())).await?
        }
        None => stored(call, &id).await?,
    };
    if let Some(connection_id) = &link.connection_id {
        let connection = call.state().connection_get(call.tenant(), connection_id).await?;
        if connection.is_none_or(|connection| connection.value.name != secondary.value.connection()) {
            return Err(ApiError::Refused(Refusal::ConnectionUnknown));
        }
    }
    Ok(secondary)
}
