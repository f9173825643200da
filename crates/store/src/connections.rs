//! The connections of a tenant.

use async_trait::async_trait;
use domain::change::Versioned;
use domain::clock::Timestamp;
use domain::connection::{Connection, Strategy};
use domain::ids::{ConnectionId, TenantId};

use crate::{Page, StoreError};

/// Which connections are meant; nothing said means all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionFilter {
    /// Those of one of these strategies.
    pub strategies: Option<Vec<Strategy>>,
    /// The one with this name.
    pub name: Option<String>,
    /// Those that are for the users of this domain: it is among their option `domain_aliases`, in any case.
    pub domain_alias: Option<String>,
}

/// Where a connection is in the list of them, also when it has been deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionPlace {
    /// When it was created.
    pub created_at: Timestamp,
    /// Its id.
    pub id: ConnectionId,
}

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

    /// The connections that `filter` means, oldest first.
    async fn connection_page(
        &self,
        tenant: TenantId,
        filter: ConnectionFilter,
        page: Page,
    ) -> Result<Vec<Connection>, StoreError>;

    /// At most `take` of the connections that `filter` means, after this place, oldest first.
    async fn connections_after(
        &self,
        tenant: TenantId,
        filter: ConnectionFilter,
        after: Option<ConnectionPlace>,
        take: u32,
    ) -> Result<Vec<Connection>, StoreError>;

    /// How many connections `filter` means.
    async fn connection_count(&self, tenant: TenantId, filter: ConnectionFilter) -> Result<u64, StoreError>;
}
