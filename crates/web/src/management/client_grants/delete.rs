//! `DELETE /api/v2/client-grants/{id}`

use domain::change::Write;

use super::{grant_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Withdraws a grant. Tokens that were issued before hold until they expire.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:client_grants"])?;
    let id = grant_id(&call)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        if call.commit(Write::GrantDelete(found.revision, id.clone()).into()).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
