//! `GET /api/v2/connections/{id}/scim-configuration/default-mapping`

use axum::http::StatusCode;
use domain::scim::ScimMapping;

use super::connection;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::scim::MappingAnswer;

/// Answers what becomes of users' attributes where a configuration does not say.
pub(crate) async fn default_mapping(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:scim_config"])?;
    connection(&call).await?;
    Ok(answer::json(StatusCode::OK, &MappingAnswer { mapping: ScimMapping::default() }))
}
