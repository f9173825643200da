//! `PATCH /api/v2/clients/{id}`

use axum::http::StatusCode;
use domain::change::{Expect, Write};

use super::{client_id, shown, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::{answer, client};

/// Changes an application's settings.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:clients"])?;
    let id = client_id(&call)?;
    let changes = client::read_changes(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let mut changed = found.value.clone();
        client::merge(&mut changed.settings, changes.clone());
        let has_effect = changed != found.value;
        let write = Write::ClientPut(Expect::At(found.revision), changed.clone());
        if !has_effect || call.commit(write.into()).await? {
            return Ok(answer::json(StatusCode::OK, &shown(&call, changed)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
