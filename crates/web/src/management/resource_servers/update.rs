//! `PATCH /api/v2/resource-servers/{id}`

use axum::http::StatusCode;
use domain::change::{Expect, ResourceServerWrite, Revision, Versioned};
use domain::ids::{ResourceServerId, random_text};
use domain::resource_server::{ResourceServer, ResourceServerPatch};
use domain::secret::Secret;

use super::create::SECRET_CHARS;
use super::{Found, found, id};
use crate::call::{Authenticated, CHANGE_TRIES_MAX, Call};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::resource_server::{ManagementApi, ResourceServerAnswer, read_changes};

/// Changes an API. Tokens that were issued before stay as they are.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:resource_servers"])?;
    let id = id(&call)?.to_owned();
    let patch = read_changes(payload.object().await?)?;
    for _ in 0..CHANGE_TRIES_MAX {
        let done = match found(&call, &id).await? {
            Found::System(api, row) => update_system(&call, api, row, &patch).await?,
            Found::Own(own) => update_own(&call, *own, &patch).await?,
        };
        if let Some(answered) = done {
            return Ok(answered);
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}

async fn update_own(
    call: &Call,
    own: Versioned<ResourceServer>,
    patch: &ResourceServerPatch,
) -> Result<Option<axum::response::Response>, ApiError> {
    let new_secret = || Secret::new(random_text(&*call.app.entropy, SECRET_CHARS));
    let changed = own.value.patched(patch.clone(), new_secret);
    let answered = answer::json(StatusCode::OK, &ResourceServerAnswer::from(&changed));
    let has_effect = changed != own.value;
    let write = ResourceServerWrite::Put(Expect::At(own.revision), Box::new(changed));
    Ok((!has_effect || call.commit(write.into()).await?).then_some(answered))
}

/// Of the Management API, only for how long its tokens hold can be changed.
async fn update_system(
    call: &Call,
    mut api: ManagementApi,
    row: Option<Revision>,
    patch: &ResourceServerPatch,
) -> Result<Option<axum::response::Response>, ApiError> {
    let allowed = ResourceServerPatch { token_lifetime: patch.token_lifetime, ..ResourceServerPatch::default() };
    if *patch != allowed {
        return Err(ApiError::Refused(Refusal::SystemApi));
    }
    let Some(lifetime) = patch.token_lifetime else { return Ok(Some(answer::json(StatusCode::OK, &api))) };
    let expect = row.map_or(Expect::Absent, Expect::At);
    let id = ResourceServerId::from_text(api.id.clone());
    let changed = ResourceServer::new(id, api.identifier.clone(), lifetime);
    api.token_lifetime = lifetime;
    let is_done = match call.commit(ResourceServerWrite::Put(expect, Box::new(changed)).into()).await {
        Err(store::StoreError::Conflict(_)) => false,
        outcome => outcome?,
    };
    Ok(is_done.then(|| answer::json(StatusCode::OK, &api)))
}
