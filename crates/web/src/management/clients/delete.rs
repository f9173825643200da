//! `DELETE /api/v2/clients/{id}`

use domain::change::Write;

use super::{client_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Deletes an application with its grants. Its tokens hold until they expire.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:clients"])?;
    let id = client_id(&call)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        if call.commit(Write::ClientDelete(found.revision, id.clone()).into()).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
