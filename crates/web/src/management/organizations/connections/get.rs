//! `GET /api/v2/organizations/{id}/enabled_connections/{connection_id}`, and `…/connections/{connection_id}`

use axum::http::StatusCode;

use super::{connection_id, enabled};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::organizations::{organization_id, stored};
use crate::wire::answer;
use crate::wire::organization::{ConnectionAnswer, ConnectionForm};

/// Answers an enabled connection of an organization.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    get_in(caller, ConnectionForm::Enabled).await
}

/// Answers a connection of an organization in the early-access form.
pub(crate) async fn get_early(caller: Authenticated) -> Answer {
    get_in(caller, ConnectionForm::EarlyAccess).await
}

async fn get_in(caller: Authenticated, form: ConnectionForm) -> Answer {
    let call = caller.authorise(&["read:organization_connections"])?;
    let (id, connection) = (organization_id(&call)?, connection_id(&call)?);
    stored(&call, &id).await?;
    let found = enabled(&call, &id, &connection, form).await?;
    Ok(answer::json(StatusCode::OK, &ConnectionAnswer::new(found.value, form)))
}
