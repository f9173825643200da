//! `GET /api/v2/clients/{id}`

use axum::http::StatusCode;

use super::{client_id, shown, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;

/// Answers an application.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:clients"])?;
    let id = client_id(&call)?;
    let selection = call.query().selection()?;
    let found = stored(&call, &id).await?.value;
    let mut object = shown(&call, found);
    if let Some(selection) = selection {
        selection.apply(&mut object);
    }
    Ok(answer::json(StatusCode::OK, &object))
}
