//! `POST /api/v2/organizations`

use axum::http::StatusCode;
use domain::change::organization_create;
use domain::ids::OrganizationId;
use domain::organization::{Organization, OrganizationConnection, OrganizationConnectionSettings};

use super::connections::connection;
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::organization::read_new;

/// Creates an organization, which raises `organization.created`, and `organization.connection.added` for each
/// connection that it begins with.
pub(crate) async fn create(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:organizations"])?;
    let new = read_new(payload.object().await?)?;
    if !new.connections.is_empty() {
        call.require(&["create:organization_connections"])?;
    }
    let id = OrganizationId::generate(&*call.app.entropy);
    let organization = Organization {
        id,
        name: new.name,
        display_name: new.display_name,
        branding: new.branding,
        metadata: new.metadata,
    };
    let created = answer::json(StatusCode::CREATED, &organization);
    let enabled = |new: crate::wire::organization::NewConnection| OrganizationConnection {
        connection_id: new.connection_id,
        settings: OrganizationConnectionSettings::default().patched(new.settings),
    };
    let connections: Vec<_> = new.connections.into_iter().map(enabled).collect();
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        for each in &connections {
            connection(&call, &each.connection_id).await?;
        }
        let origin = call.origin(client.clone());
        if call.commit(organization_create(organization.clone(), connections.clone(), &origin)).await? {
            return Ok(created);
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
