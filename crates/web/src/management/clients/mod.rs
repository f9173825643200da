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
use serde_json::{Map, Value};

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::client;
use crate::wire::reader::{Field, Invalid};

const CLIENT_ID: Field = Field::new("id", "ID of the client.");

fn client_id(call: &Call) -> Result<ClientId, Invalid> {
    call.segment(CLIENT_ID).map(ClientId::from_text)
}

/// An application as the caller may see it: its secret takes a scope of its own.
fn shown(call: &Call, client: Client) -> Map<String, Value> {
    let tenant_name = &call.served.tenant.name;
    if call.allows("read:client_keys") {
        client::to_wire_with_secret(client, tenant_name)
    } else {
        client::to_wire(client, tenant_name)
    }
}

async fn stored(call: &Call, id: &ClientId) -> Result<Versioned<Client>, ApiError> {
    let stored = call.state().client_get(call.tenant(), id).await?;
    stored.ok_or(ApiError::NotFound(Missing::Client))
}
