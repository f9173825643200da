//! `PATCH /api/v2/organizations/{id}/enabled_connections/{connection_id}`, and `…/connections/{connection_id}`

use axum::http::StatusCode;
use domain::change::{Versioned, organization_connection_update};
use store::EnabledConnection;

use super::{connection_id, enabled};
use crate::call::{Authenticated, CHANGE_TRIES_MAX};
use crate::error::{Answer, ApiError, Refusal};
use crate::management::organizations::{organization_id, stored};
use crate::payload::Payload;
use crate::wire::answer;
use crate::wire::organization::{ConnectionAnswer, ConnectionForm, read_settings};

/// Changes an organization's settings for a connection, which raises `organization.connection.updated` if it has an
/// effect.
pub(crate) async fn update(caller: Authenticated, payload: Payload) -> Answer {
    update_in(caller, payload, ConnectionForm::Enabled).await
}

/// The same in the early-access form.
pub(crate) async fn update_early(caller: Authenticated, payload: Payload) -> Answer {
    update_in(caller, payload, ConnectionForm::EarlyAccess).await
}

async fn update_in(caller: Authenticated, payload: Payload, form: ConnectionForm) -> Answer {
    let call = caller.authorise(&["update:organization_connections"])?;
    let (id, connection) = (organization_id(&call)?, connection_id(&call)?);
    let patch = read_settings(payload.object().await?, form)?;
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let organization = stored(&call, &id).await?;
        let Versioned { revision, value: found } = enabled(&call, &id, &connection, form).await?;
        let EnabledConnection { connection: value, name, strategy } = found;
        let former = Versioned { revision, value };
        let origin = call.origin(client.clone());
        let (connection, is_done) = match organization_connection_update(&organization, &former, patch.clone(), &origin)
        {
            None => (former.value, true),
            Some((connection, change)) => (connection, call.commit(change).await?),
        };
        if is_done {
            let changed = EnabledConnection { connection, name, strategy };
            return Ok(answer::json(StatusCode::OK, &ConnectionAnswer::new(changed, form)));
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}
