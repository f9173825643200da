//! Events by which the server tells of its streams.

use async_trait::async_trait;
use domain::event::Source;
use domain::ids::TenantId;

use crate::StoreError;

/// Whose the events are by which the server tells of a tenant's streams. They are appended with the checkpoint that
/// causes them (see [`Log::checkpoint_save`](crate::Log::checkpoint_save)).
#[async_trait]
pub trait AlertSources: Send + Sync {
    /// Notes the source that such events of a tenant have from now on. Without one, they have the tenant's name.
    async fn alert_source_note(&self, tenant: TenantId, source: Source) -> Result<(), StoreError>;
}
