//! `POST /api/v2/clients/{id}/rotate-secret`

use axum::http::StatusCode;
use domain::account::{Client, ClientSecret};
use domain::change::{Expect, Write};

use super::{client_id, stored};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::tokens::secret_hash::generate_secret;
use crate::wire::{answer, client};

/// Gives an application a new secret. The answer has it, whatever the caller may read.
pub(crate) async fn rotate_secret(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["update:client_keys"])?;
    let id = client_id(&call)?;
    stored(&call, &id).await?;
    let secret = generate_secret(&*call.app.entropy);
    let hash = call.app.hasher.hash(&secret, &call.app.entropy).await?;
    let secret = ClientSecret::new(hash, secret);
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let changed = Client { secret: secret.clone(), ..found.value };
        let write = Write::ClientPut(Expect::At(found.revision), changed.clone());
        if call.commit(write.into()).await? {
            return Ok(answer::json(StatusCode::OK, &client::to_wire_with_secret(changed, &call.served.tenant.name)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
