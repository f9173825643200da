//! `PATCH /api/v2/connections/{id}/clients`

use domain::change::{ConnectionPatch, connection_update};
use domain::ids::ClientId;

use super::{connection_id, stored, unknown_client};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::connection::{read_clients, switched_client_unknown};

/// Lets applications use a connection, or no longer, which raises `connection.updated` if it is an enterprise one.
pub(crate) async fn update_clients(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["update:connections"])?;
    let id = connection_id(&call)?;
    let switched = read_clients(payload.value().await?)?;
    // One that has gone can still be switched off.
    let on: Vec<ClientId> = switched.iter().filter(|(_, status)| *status).map(|(client, _)| client.clone()).collect();
    if let Some(index) = unknown_client(&call, &on, &[]).await? {
        let place = switched.iter().position(|(client, status)| *status && *client == on[index]);
        return Err(switched_client_unknown(place.unwrap_or_default(), &on[index]).into());
    }
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(&call, &id).await?;
        let enabled_clients = Some(after(found.value.enabled_clients.clone(), &switched));
        let patch = ConnectionPatch { enabled_clients, ..ConnectionPatch::default() };
        let Some((_, change)) = connection_update(&found, &patch, &call.origin(client.clone())) else {
            return Ok(answer::no_content());
        };
        if call.commit(change).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}

/// The applications that may use it after `switched`; of what is said twice of one, the last holds.
fn after(mut enabled: Vec<ClientId>, switched: &[(ClientId, bool)]) -> Vec<ClientId> {
    for (client, status) in switched {
        match (status, enabled.iter().position(|known| known == client)) {
            (true, None) => enabled.push(client.clone()),
            (false, Some(place)) => drop(enabled.remove(place)),
            _ => {}
        }
    }
    enabled
}
