//! `POST /api/v2/users`

use axum::http::StatusCode;
use domain::change::user_create;
use domain::connection::Connection;
use domain::ids::object_id;
use domain::user::User;

use super::password::is_too_weak;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::{answer, user};

/// Creates a user, which raises `user.created`.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:users"])?;
    let new = user::read_new(payload.object().await?)?;
    if is_too_weak(&new.password, &new.profile) {
        return Err(ApiError::Refused(Refusal::PasswordWeak));
    }
    let connection = call.state().connection_by_name(call.tenant(), &new.connection).await?;
    let connection = connection.map(|stored| stored.value).filter(Connection::is_database);
    let connection = connection.ok_or(ApiError::Refused(Refusal::ConnectionUnknown))?;
    let client = call.client_context().await?;
    let origin = call.origin(client);
    let local_id = new.local_id.unwrap_or_else(|| object_id(origin.now, origin.entropy));
    let user = User::of_database(&connection.name, local_id, new.profile, origin.now);
    let created = answer::json(StatusCode::CREATED, &user);
    call.state().change_commit(call.tenant(), user_create(user, &origin)).await?;
    Ok(created)
}
