//! `POST /api/v2/organizations/{id}/enabled_connections`, and `…/connections`

use axum::http::StatusCode;
use domain::change::organization_connection_add;
use domain::organization::{OrganizationConnection, OrganizationConnectionSettings};
use store::EnabledConnection;

use super::connection;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::organizations::{organization_id, stored};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::organization::{ConnectionAnswer, ConnectionForm, read_connection};

/// Enables a connection for an organization, which raises `organization.connection.added`.
pub(crate) async fn add(caller: Authenticated, payload: Payload) -> Answer {
    add_in(caller, payload, ConnectionForm::Enabled).await
}

/// The same in the early-access form.
pub(crate) async fn add_early(caller: Authenticated, payload: Payload) -> Answer {
    add_in(caller, payload, ConnectionForm::EarlyAccess).await
}

async fn add_in(caller: Authenticated, payload: Payload, form: ConnectionForm) -> Answer {
    let call = caller.authorise(&["create:organization_connections"])?;
    let id = organization_id(&call)?;
    let new = read_connection(payload.object().await?, form)?;
    let settings = OrganizationConnectionSettings::default().patched(new.settings);
    let added = OrganizationConnection { connection_id: new.connection_id, settings };
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let organization = stored(&call, &id).await?;
        let connection = connection(&call, &added.connection_id).await?.value;
        let change = organization_connection_add(&organization, added.clone(), &call.origin(client.clone()));
        if call.commit(change).await? {
            let (name, strategy) = (connection.name, connection.strategy.name().to_owned());
            let found = EnabledConnection { connection: added, name, strategy };
            return Ok(answer::json(StatusCode::CREATED, &ConnectionAnswer::new(found, form)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
