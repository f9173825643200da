//! `DELETE /api/v2/resource-servers/{id}`

use domain::change::ResourceServerWrite;

use super::{Found, found, id};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::wire::answer;

/// Deletes an API with the grants for it; one that is not there is gone already. Tokens that were issued before hold until
/// they expire.
pub(crate) async fn delete(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["delete:resource_servers"])?;
    let id = id(&call)?.to_owned();
    for _ in 0..CHANGE_TRIES_MAX {
        let own = match found(&call, &id).await {
            Ok(Found::System(..)) => return Err(ApiError::Refused(Refusal::SystemApi)),
            Ok(Found::Own(own)) => own,
            Err(ApiError::NotFound(Missing::ResourceServer)) => return Ok(answer::no_content()),
            Err(error) => return Err(error),
        };
        if call.commit(ResourceServerWrite::Delete(own.revision, own.value.id.clone()).into()).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
