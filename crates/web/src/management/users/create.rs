//! `POST /api/v2/users`

use axum::http::StatusCode;
use domain::change::user_create;
use domain::connection::{Connection, Strategy};
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
    let connection = call.state().connection_by_name(call.tenant(), &new.connection).await?;
    let connection = connection.map(|stored| stored.value).filter(Connection::takes_new_users);
    // What a user of a database must have is said first, as long as nobody knows of what else the user could be.
    new.check_for(connection.as_ref().map_or(Strategy::DATABASE, |connection| connection.strategy))?;
    if new.password.as_ref().is_some_and(|password| is_too_weak(password, &new.profile)) {
        return Err(ApiError::Refused(Refusal::PasswordWeak));
    }
    let connection = connection.ok_or(ApiError::Refused(Refusal::ConnectionUnknown))?;
    let client = call.client_context().await?;
    let origin = call.origin(client);
    let local_id = new.local_id.unwrap_or_else(|| object_id(origin.now, origin.entropy));
    let user = User::of_connection(&connection.name, connection.strategy, local_id, new.profile, origin.now);
    let created = answer::json(StatusCode::CREATED, &user);
    call.state().change_commit(call.tenant(), user_create(user, &origin)).await?;
    Ok(created)
}
