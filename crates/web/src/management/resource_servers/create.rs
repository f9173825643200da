//! `POST /api/v2/resource-servers`

use axum::http::StatusCode;
use domain::change::{Expect, ResourceServerWrite};
use domain::ids::{ResourceServerId, object_id, random_text};
use domain::resource_server::ResourceServer;
use domain::secret::Secret;
use store::{Conflict, StoreError};

use crate::call::Authenticated;
use crate::error::{Answer, ApiError};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::resource_server::{ResourceServerAnswer, read_new};

/// The characters of a secret that is made here.
pub(super) const SECRET_CHARS: usize = 48;

/// Creates an API that tokens can be for.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:resource_servers"])?;
    let new = read_new(payload.object().await?)?;
    if new.identifier == call.served.audience() {
        return Err(ApiError::Store(StoreError::Conflict(Conflict::ResourceServer)));
    }
    let entropy = &*call.app.entropy;
    let id = ResourceServerId::from_text(object_id(call.app.now(), entropy));
    let lifetime = call.app.settings.token_lifetime.as_secs();
    let new_secret = || Secret::new(random_text(entropy, SECRET_CHARS));
    let server = ResourceServer::new(id, new.identifier, lifetime).patched(new.members, new_secret);
    let created = answer::json(StatusCode::CREATED, &ResourceServerAnswer::from(&server));
    let write = ResourceServerWrite::Put(Expect::Absent, Box::new(server));
    call.state().change_commit(call.tenant(), write.into()).await?;
    Ok(created)
}
