//! `GET /api/v2/connections/{id}`

use axum::http::StatusCode;

use super::{connection_id, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::connection::ConnectionAnswer;

/// Answers a connection.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:connections"])?;
    let id = connection_id(&call)?;
    let selection = call.query().selection()?;
    let found = ConnectionAnswer::from(stored(&call, &id).await?.value);
    match selection {
        None => Ok(answer::json(StatusCode::OK, &found)),
        Some(selection) => Ok(answer::json(StatusCode::OK, &selection.of(&found))),
    }
}
