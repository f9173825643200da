//! The keys of a tenant.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ids::TenantId;

use crate::{SigningKey, StoreError};

/// The length of a derived key.
pub const DERIVED_KEY_BYTES: usize = 32;

/// What becomes of the keys that tokens were signed with before a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retire {
    /// They check tokens until the last one that they signed has expired.
    WhenExpired,
    /// They go at once, and every token that they signed with them.
    AtOnce,
}

/// The keys of a tenant, which are no other tenant's.
#[async_trait]
pub trait TenantKeys: Send + Sync {
    /// The keys that tokens are signed and checked with, newest first. The newest one signs.
    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError>;

    /// Adds a signing key; it is the newest from now on, and the others retire.
    async fn signing_key_add(&self, tenant: TenantId, key: SigningKey, retire: Retire) -> Result<(), StoreError>;

    /// Notes that tokens are signed which hold for so many seconds; those of a tenant's APIs count by themselves. Keys
    /// retire so much later.
    async fn token_lifetime_note(&self, tenant: TenantId, seconds: u64) -> Result<(), StoreError>;

    /// Removes the keys whose last token has expired; answers how many.
    async fn signing_keys_expire(&self, tenant: TenantId, now: Timestamp) -> Result<u32, StoreError>;

    /// The key that the tenant's offsets are sealed with: the same after a restart, on every node, and after the master
    /// key was changed. That of a tenant that is not there fits nothing.
    fn offset_key(&self, tenant: TenantId) -> [u8; DERIVED_KEY_BYTES];
}
