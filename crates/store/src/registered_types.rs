//! The port to the types of events that tenants have registered.

use std::sync::Arc;

use async_trait::async_trait;
use domain::change::{Revision, Versioned};
use domain::ids::TenantId;
use domain::registered_type::{RegisteredType, TypeDefinition, TypeName};

use crate::StoreError;

/// Types of events that tenants have registered. Reading them is cheap: what was read last is remembered, exactly.
#[async_trait]
pub trait RegisteredTypes: Send + Sync {
    /// All of a tenant, by name.
    async fn registered_types(&self, tenant: TenantId) -> Result<Arc<[Versioned<RegisteredType>]>, StoreError>;

    /// Registers a type.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the name is taken, or the tenant has as many as it may have.
    async fn registered_type_add(&self, tenant: TenantId, definition: TypeDefinition) -> Result<(), StoreError>;

    /// Changes what a tenant says of a type; its name stays.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if it is not at that revision, or has gone.
    async fn registered_type_change(
        &self,
        tenant: TenantId,
        revision: Revision,
        definition: TypeDefinition,
    ) -> Result<(), StoreError>;

    /// Removes a type that no stream subscribes to. Events of it stay in the log as they are.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if it is not at that revision, or has gone; [`StoreError::Conflict`] if a stream
    /// subscribes to it.
    async fn registered_type_remove(
        &self,
        tenant: TenantId,
        revision: Revision,
        name: TypeName,
    ) -> Result<(), StoreError>;
}
