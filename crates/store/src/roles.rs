//! Roles of the tenant, and the users who have them.

use async_trait::async_trait;
use domain::change::Versioned;
use domain::ids::{RoleId, TenantId, UserId};
use domain::role::Role;
use domain::user::User;

use crate::{Numbered, Page, Slice, StoreError};

/// Roles, as the API reads them.
#[async_trait]
pub trait Roles: Send + Sync {
    /// A role.
    async fn role_get(&self, tenant: TenantId, id: &RoleId) -> Result<Option<Versioned<Role>>, StoreError>;
    /// Roles whose name contains `name` in any case (all, if it is `None`), oldest first.
    async fn role_page(&self, tenant: TenantId, name: Option<&str>, page: Page) -> Result<Vec<Role>, StoreError>;
    /// How many roles [`Roles::role_page`] has to page through.
    async fn role_count(&self, tenant: TenantId, name: Option<&str>) -> Result<u64, StoreError>;

    /// The roles of a user, in the order in which they were assigned.
    async fn user_role_page(&self, tenant: TenantId, user: &UserId, page: Page) -> Result<Vec<Role>, StoreError>;
    /// How many roles a user has.
    async fn user_role_count(&self, tenant: TenantId, user: &UserId) -> Result<u64, StoreError>;

    /// The users who have a role, in the order in which it was assigned.
    async fn role_user_slice(
        &self,
        tenant: TenantId,
        role: &RoleId,
        slice: Slice,
    ) -> Result<Vec<Numbered<User>>, StoreError>;
    /// How many users have a role.
    async fn role_user_count(&self, tenant: TenantId, role: &RoleId) -> Result<u64, StoreError>;
}
