//! The connections of a tenant.

use async_trait::async_trait;
use domain::change::Versioned;
use domain::connection::Connection;
use domain::ids::{ConnectionId, TenantId};

use crate::StoreError;

/// The connections of a tenant, as the API reads them.
#[async_trait]
pub trait Connections: Send + Sync {
    /// A connection.
    async fn connection_get(
        &self,
        tenant: TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Versioned<Connection>>, StoreError>;

    /// A connection by its name.
    async fn connection_by_name(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Versioned<Connection>>, StoreError>;
}
