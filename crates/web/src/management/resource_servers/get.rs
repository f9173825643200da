//! `GET /api/v2/resource-servers/{id}`

use axum::http::StatusCode;

use super::{Found, found, id};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::resource_server::ResourceServerAnswer;

/// Answers an API, found by its id or its identifier.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:resource_servers"])?;
    match found(&call, id(&call)?).await? {
        Found::System(api, _) => Ok(answer::json(StatusCode::OK, &api)),
        Found::Own(own) => Ok(answer::json(StatusCode::OK, &ResourceServerAnswer::from(&own.value))),
    }
}
