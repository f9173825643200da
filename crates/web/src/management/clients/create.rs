//! `POST /api/v2/clients`

use axum::http::StatusCode;
use domain::account::{Client, ClientSecret};
use domain::change::{Expect, Write};
use domain::ids::ClientId;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::payload::Payload;
use crate::tokens::secret_hash::generate_secret;
use crate::wire::{answer, client};

/// Creates an application. The answer has its secret, whatever the caller may read.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:clients"])?;
    let settings = client::read_new(payload.object().await?)?;
    let entropy = &call.app.entropy;
    let secret = generate_secret(&**entropy);
    let hash = call.app.hasher.hash(&secret, entropy).await?;
    let new = Client { id: ClientId::generate(&**entropy), secret: ClientSecret::new(hash, secret), settings };
    let write = Write::ClientPut(Expect::Absent, new.clone());
    call.state().change_commit(call.tenant(), write.into()).await?;
    Ok(answer::json(StatusCode::CREATED, &client::to_wire_with_secret(new, &call.served.tenant.name)))
}
