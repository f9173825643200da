//! `DELETE /api/v2/organizations/{id}`

use domain::change::organization_delete;

use super::{organization_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Deletes an organization with everything in it, which raises `organization.deleted` and nothing else.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:organizations"])?;
    let id = organization_id(&call)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        if call.commit(organization_delete(&found, &call.origin(client.clone()))).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
