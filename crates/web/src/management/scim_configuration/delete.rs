//! `DELETE /api/v2/connections/{id}/scim-configuration`

use domain::change::ScimWrite;

use super::configuration;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::answer;

/// Has a connection provisioned no longer. Its tokens go; its users and groups stay.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:scim_config"])?;
    for _ in 0..CHANGE_TRIES_MAX {
        let (connection, found) = configuration(&call).await?;
        if call.commit(ScimWrite::ConfigurationDelete(found.revision, connection.id).into()).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
