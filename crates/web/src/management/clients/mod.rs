//! Applications (management-api.md 6.6).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod rotate_secret;
pub(crate) mod update;

use domain::account::Client;
use domain::change::Versioned;
use domain::ids::ClientId;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const CLIENT_ID: Field = Field::new("id", "ID of the client.");

fn client_id(call: &Call) -> Result<ClientId, Invalid> {
    call.segment(CLIENT_ID).map(ClientId::from_text)
}

async fn stored(call: &Call, id: &ClientId) -> Result<Versioned<Client>, ApiError> {
    let stored = call.state().client_get(call.tenant(), id).await?;
    stored.ok_or(ApiError::NotFound(Missing::Client))
}
