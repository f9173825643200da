//! `DELETE /api/v2/organizations/{id}/enabled_connections/{connection_id}`, and `…/connections/{connection_id}`

use domain::change::{Versioned, organization_connection_remove};

use super::{connection_id, enabled};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::organizations::{organization_id, stored};
use crate::wire::answer;
use crate::wire::organization::ConnectionForm;

/// Takes an enabled connection from an organization, which raises `organization.connection.removed`.
pub(crate) async fn remove(caller: Authenticated) -> Answer {
    remove_in(caller, ConnectionForm::Enabled).await
}

/// Takes any connection from an organization.
pub(crate) async fn remove_early(caller: Authenticated) -> Answer {
    remove_in(caller, ConnectionForm::EarlyAccess).await
}

async fn remove_in(caller: Authenticated, form: ConnectionForm) -> Answer {
    let call = caller.authorise(&["delete:organization_connections"])?;
    let (id, connection) = (organization_id(&call)?, connection_id(&call)?);
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let organization = stored(&call, &id).await?;
        let Versioned { revision, value } = enabled(&call, &id, &connection, form).await?;
        let stored = Versioned { revision, value: value.connection };
        let origin = call.origin(client.clone());
        if call.commit(organization_connection_remove(&organization, &stored, &origin)).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
