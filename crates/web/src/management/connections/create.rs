//! `POST /api/v2/connections`

use axum::http::StatusCode;
use domain::change::connection_create;
use domain::ids::ConnectionId;

use super::check_clients;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::connection::{self, ConnectionAnswer};

/// Creates a connection, which raises `connection.created` if it is an enterprise one.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:connections"])?;
    let new = connection::read_new(payload.object().await?)?;
    let client = call.client_context().await?;
    let origin = call.origin(client);
    let connection = new.into_connection(ConnectionId::generate(origin.entropy), origin.now);
    check_clients(&call, &connection.enabled_clients, &[]).await?;
    let created = answer::json(StatusCode::CREATED, &ConnectionAnswer::from(connection.clone()));
    call.state().change_commit(call.tenant(), connection_create(connection, &origin)).await?;
    Ok(created)
}
