//! `PATCH /api/v2/client-grants/{id}`

use axum::http::StatusCode;
use domain::change::{Expect, Write};

use super::{check_scopes, grant_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::client_grant::{GrantAnswer, read_changes};

/// Replaces the permissions of a grant. Tokens that were issued before keep theirs.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:client_grants"])?;
    let id = grant_id(&call)?;
    let scope = read_changes(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let mut changed = found.value.clone();
        if let Some(scope) = &scope {
            check_scopes(&call, &changed.audience, scope).await?;
            changed.scope.clone_from(scope);
        }
        let has_effect = changed != found.value;
        let write = Write::GrantPut(Expect::At(found.revision), changed.clone());
        if !has_effect || call.commit(write.into()).await? {
            return Ok(answer::json(StatusCode::OK, &GrantAnswer::from(changed)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
