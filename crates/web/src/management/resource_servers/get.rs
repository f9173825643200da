//! `GET /api/v2/resource-servers/{id}`

use axum::http::StatusCode;

use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;
use crate::wire::reader::Field;

const ID: Field = Field::new("id", "ID or audience of the resource server.");

/// Answers an API, found by its id or its identifier.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:resource_servers"])?;
    let id = call.segment(ID)?;
    let api = &call.served.management_api;
    if id != api.id && id != api.identifier {
        return Err(ApiError::NotFound(Missing::ResourceServer));
    }
    Ok(answer::json(StatusCode::OK, api))
}
