//! `GET /api/v2/organizations/{id}` and `GET /api/v2/organizations/name/{name}`

use axum::http::StatusCode;

use super::{organization_id, stored};
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;
use crate::wire::reader::Field;

const NAME: Field = Field::new("name", "Name of the organization.");

/// Answers an organization.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organizations"])?;
    let id = organization_id(&call)?;
    Ok(answer::json(StatusCode::OK, &stored(&call, &id).await?.value))
}

/// Answers the organization with a name.
pub(crate) async fn get_by_name(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organizations"])?;
    let found = call.state().organization_by_name(call.tenant(), call.segment(NAME)?).await?;
    Ok(answer::json(StatusCode::OK, &found.ok_or(ApiError::NotFound(Missing::Organization))?.value))
}
