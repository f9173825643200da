//! `GET /api/v2/connections/{id}`

use axum::http::StatusCode;

use super::{connection_id, selected, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::connection::ConnectionAnswer;

/// Answers a connection.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:connections"])?;
    let id = connection_id(&call)?;
    let selection = call.query().selection()?;
    let found = stored(&call, &id).await?.value;
    match selection {
        None => Ok(answer::json(StatusCode::OK, &ConnectionAnswer::from(found))),
        Some(selection) => Ok(answer::json(StatusCode::OK, &selected(found, &selection)?)),
    }
}
