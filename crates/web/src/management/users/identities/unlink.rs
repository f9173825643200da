//! `DELETE /api/v2/users/{id}/identities/{provider}/{user_id}`

use axum::http::StatusCode;
use domain::change::identity_unlink;

use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Missing, Refusal};
use crate::management::users::{stored, user_id};
use crate::wire::answer;
use crate::wire::reader::Field;

const PROVIDER: Field = Field::new("provider", "Identity provider name of the secondary linked account.");
const LOCAL_ID: Field = Field::new("user_id", "ID of the secondary linked account.");

/// Gives an identity a user of its own again, which raises `user.updated` of this user and `user.created` of that one.
/// Answers the identities that are left.
pub(crate) async fn unlink(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["update:users"])?;
    let id = user_id(&call)?;
    let (provider, local_id) = (call.segment(PROVIDER)?, call.segment(LOCAL_ID)?);
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let primary = found.value.identities.first();
        if primary.is_some_and(|identity| identity.provider == provider && identity.user_id == local_id) {
            return Err(ApiError::Refused(Refusal::PrimaryIdentity));
        }
        let unlinked = identity_unlink(&found, provider, local_id, &call.origin(client.clone()));
        let (user, change) = unlinked.ok_or(ApiError::NotFound(Missing::Identity))?;
        if call.commit(change).await? {
            return Ok(answer::json(StatusCode::OK, &user.identities));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
