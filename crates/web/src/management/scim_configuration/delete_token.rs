//! `DELETE /api/v2/connections/{id}/scim-configuration/tokens/{token_id}`

use domain::change::ScimWrite;
use domain::scim::ScimTokenId;

use super::configuration;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::answer;
use crate::wire::reader::Field;

const TOKEN_ID: Field = Field::new("token_id", "The id of the token.");

/// Revokes a token, at once.
pub(crate) async fn delete_token(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:scim_token"])?;
    let id = ScimTokenId::from_text(call.segment(TOKEN_ID)?);
    let (connection, _) = configuration(&call).await?;
    if call.commit(ScimWrite::TokenDelete(connection.id, id).into()).await? {
        return Ok(answer::no_content());
    }
    Err(ApiError::NotFound(Missing::ScimToken))
}
