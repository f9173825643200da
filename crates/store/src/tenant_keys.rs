//! The keys of a tenant.

use async_trait::async_trait;
use domain::ids::TenantId;

use crate::{SigningKey, StoreError};

/// The length of a derived key.
pub const DERIVED_KEY_BYTES: usize = 32;

/// The keys of a tenant, which are no other tenant's.
#[async_trait]
pub trait TenantKeys: Send + Sync {
    /// The keys that tokens are signed and checked with, newest first.
    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError>;

    /// Adds a signing key; it is the newest from now on.
    async fn signing_key_add(&self, tenant: TenantId, key: SigningKey) -> Result<(), StoreError>;

    /// The key that the tenant's offsets are sealed with. It follows from the master key, so it is the same after a
    /// restart and on every node.
    fn offset_key(&self, tenant: TenantId) -> [u8; DERIVED_KEY_BYTES];
}
