//! `PATCH /api/v2/roles/{id}`

use axum::http::StatusCode;
use domain::change::{Expect, RoleWrite};

use super::{role_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::{answer, role};

/// Changes a role.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:roles"])?;
    let id = role_id(&call)?;
    let patch = role::read_changes(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let mut changed = found.value.clone();
        changed.name = patch.name.clone().unwrap_or(changed.name);
        changed.description = patch.description.clone().or(changed.description);
        let has_effect = changed != found.value;
        let write = RoleWrite::Put(Expect::At(found.revision), changed.clone());
        if !has_effect || call.commit(write.into()).await? {
            return Ok(answer::json(StatusCode::OK, &changed));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
