//! `GET /api/v2/client-grants/{id}`

use axum::http::StatusCode;

use super::{grant_id, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::client_grant::GrantAnswer;

/// Answers a grant.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:client_grants"])?;
    let id = grant_id(&call)?;
    let grant = stored(&call, &id).await?.value;
    Ok(answer::json(StatusCode::OK, &GrantAnswer::from(grant)))
}
