//! `GET /api/v2/connections/{id}/scim-configuration/tokens`

use axum::http::StatusCode;

use super::configuration;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::scim::TokenAnswer;

/// Answers the tokens of a connection, oldest first, without themselves.
pub(crate) async fn list_tokens(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:scim_token"])?;
    let (connection, _) = configuration(&call).await?;
    let tokens = call.state().scim_tokens(call.tenant(), &connection.id).await?;
    let answers: Vec<TokenAnswer> = tokens.into_iter().map(TokenAnswer::from).collect();
    Ok(answer::json(StatusCode::OK, &answers))
}
