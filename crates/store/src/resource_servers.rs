//! The APIs of a tenant.

use async_trait::async_trait;
use domain::change::Versioned;
use domain::ids::TenantId;
use domain::resource_server::ResourceServer;

use crate::{Page, StoreError};

/// The APIs of a tenant, as the API reads them.
#[async_trait]
pub trait ResourceServers: Send + Sync {
    /// An API by its id or its identifier, with its secret.
    async fn resource_server_get(
        &self,
        tenant: TenantId,
        id_or_identifier: &str,
    ) -> Result<Option<Versioned<ResourceServer>>, StoreError>;
    /// The APIs but the one with the identifier `except`, oldest first, without their secrets.
    async fn resource_server_page(
        &self,
        tenant: TenantId,
        except: &str,
        page: Page,
    ) -> Result<Vec<ResourceServer>, StoreError>;
    /// How many APIs [`ResourceServers::resource_server_page`] has to page through.
    async fn resource_server_count(&self, tenant: TenantId, except: &str) -> Result<u64, StoreError>;
}
