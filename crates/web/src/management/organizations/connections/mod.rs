//! The connections of an organization: `…/enabled_connections`, and the early-access twin `…/connections`, which has
//! more settings and also shows connections that are not enabled.

pub(crate) mod add;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod update;

use domain::change::Versioned;
use domain::connection::Connection;
use domain::ids::{ConnectionId, OrganizationId};
use store::EnabledConnection;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::organization::ConnectionForm;
use crate::wire::reader::{Field, Invalid};

const CONNECTION_ID: Field = Field::new("connection_id", "Connection identifier.");

fn connection_id(call: &Call) -> Result<ConnectionId, Invalid> {
    call.segment(CONNECTION_ID).map(ConnectionId::from_text)
}

/// A connection of the tenant that must be there.
pub(super) async fn connection(call: &Call, id: &ConnectionId) -> Result<Versioned<Connection>, ApiError> {
    let found = call.state().connection_get(call.tenant(), id).await?;
    found.ok_or(ApiError::NotFound(Missing::OrganizationConnection))
}

/// A connection of an organization that must be there, and be enabled where only enabled ones are seen.
async fn enabled(
    call: &Call,
    organization: &OrganizationId,
    id: &ConnectionId,
    form: ConnectionForm,
) -> Result<Versioned<EnabledConnection>, ApiError> {
    let found = call.state().organization_connection_get(call.tenant(), organization, id).await?;
    let is_seen = |found: &Versioned<EnabledConnection>| {
        form == ConnectionForm::EarlyAccess || found.value.connection.settings.is_enabled
    };
    found.filter(is_seen).ok_or(ApiError::NotFound(Missing::OrganizationConnection))
}
