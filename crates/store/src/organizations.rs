//! Organizations, their members, the members' roles, and their connections.

use async_trait::async_trait;
use domain::change::{Member, Versioned};
use domain::ids::{ConnectionId, OrganizationId, RoleId, TenantId, UserId};
use domain::organization::{Organization, OrganizationConnection};
use domain::role::Role;
use domain::user::User;

use crate::{Numbered, Page, Slice, StoreError};

/// A connection of an organization, with what the connection itself says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnabledConnection {
    /// Which, and the organization's settings for it.
    pub connection: OrganizationConnection,
    /// The connection's name.
    pub name: String,
    /// The connection's strategy.
    pub strategy: String,
}

/// Which connections of an organization are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionsView {
    /// Those through which members can sign in.
    Enabled,
    /// Those through which they cannot.
    Disabled,
    /// All of them.
    All,
}

/// Organizations, as the API reads them.
#[async_trait]
pub trait Organizations: Send + Sync {
    /// An organization.
    async fn organization_get(
        &self,
        tenant: TenantId,
        id: &OrganizationId,
    ) -> Result<Option<Versioned<Organization>>, StoreError>;
    /// An organization by its name.
    async fn organization_by_name(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Versioned<Organization>>, StoreError>;
    /// Organizations, oldest first.
    async fn organization_slice(
        &self,
        tenant: TenantId,
        slice: Slice,
    ) -> Result<Vec<Numbered<Organization>>, StoreError>;
    /// How many organizations there are.
    async fn organization_count(&self, tenant: TenantId) -> Result<u64, StoreError>;
}

/// The members of organizations and the roles that they have in them, as the API reads them.
#[async_trait]
pub trait OrganizationMembers: Send + Sync {
    /// The members of an organization, in the order in which they joined.
    async fn member_slice(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        slice: Slice,
    ) -> Result<Vec<Numbered<User>>, StoreError>;
    /// How many members an organization has.
    async fn member_count(&self, tenant: TenantId, organization: &OrganizationId) -> Result<u64, StoreError>;
    /// The organizations that a user is a member of, in the order in which the user joined.
    async fn user_organization_page(
        &self,
        tenant: TenantId,
        user: &UserId,
        page: Page,
    ) -> Result<Vec<Organization>, StoreError>;
    /// How many organizations a user is a member of.
    async fn user_organization_count(&self, tenant: TenantId, user: &UserId) -> Result<u64, StoreError>;
    /// Of `users`, those that are members.
    async fn members_among(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError>;

    /// The roles of a member, in the order in which they were assigned.
    async fn member_role_page(&self, tenant: TenantId, member: &Member, page: Page) -> Result<Vec<Role>, StoreError>;
    /// How many roles a member has.
    async fn member_role_count(&self, tenant: TenantId, member: &Member) -> Result<u64, StoreError>;
    /// Of `roles`, those that a member has.
    async fn member_roles_among(
        &self,
        tenant: TenantId,
        member: &Member,
        roles: &[RoleId],
    ) -> Result<Vec<RoleId>, StoreError>;
}

/// The connections of organizations, as the API reads them.
#[async_trait]
pub trait OrganizationConnections: Send + Sync {
    /// A connection of an organization.
    async fn organization_connection_get(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<Option<Versioned<EnabledConnection>>, StoreError>;
    /// The connections of an organization, in the order in which they were added.
    async fn organization_connection_slice(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        view: ConnectionsView,
        slice: Slice,
    ) -> Result<Vec<Numbered<EnabledConnection>>, StoreError>;
    /// How many connections an organization has.
    async fn organization_connection_count(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        view: ConnectionsView,
    ) -> Result<u64, StoreError>;
}
