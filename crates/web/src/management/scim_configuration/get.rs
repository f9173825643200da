//! `GET /api/v2/connections/{id}/scim-configuration`

use axum::http::StatusCode;

use super::configuration;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::scim::ConfigurationAnswer;

/// Answers how a connection is provisioned.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:scim_config"])?;
    let (connection, found) = configuration(&call).await?;
    let answer = ConfigurationAnswer::new(&connection, &found.value, &call.served.tenant.name);
    Ok(answer::json(StatusCode::OK, &answer))
}
