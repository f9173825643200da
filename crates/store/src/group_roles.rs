//! The roles of groups, by themselves and in organizations.

use async_trait::async_trait;
use domain::change::RoleScope;
use domain::group::Group;
use domain::ids::{GroupId, OrganizationId, RoleId, TenantId};
use domain::role::Role;

use crate::StoreError;

/// The roles of groups, as the API reads them.
#[async_trait]
pub trait GroupRoles: Send + Sync {
    /// At most `take` roles of a group, in the order of their ids, after this one.
    async fn group_roles_after(
        &self,
        tenant: TenantId,
        group: GroupId,
        scope: RoleScope,
        after: Option<&RoleId>,
        take: u32,
    ) -> Result<Vec<Role>, StoreError>;
    /// Those of these groups and roles where the group has the role.
    async fn group_roles_among(
        &self,
        tenant: TenantId,
        scope: RoleScope,
        groups: Vec<GroupId>,
        roles: Vec<RoleId>,
    ) -> Result<Vec<(GroupId, RoleId)>, StoreError>;
    /// At most `take` groups that have a role by themselves, oldest first, after this one.
    async fn role_groups_after(
        &self,
        tenant: TenantId,
        role: &RoleId,
        after: Option<GroupId>,
        take: u32,
    ) -> Result<Vec<Group>, StoreError>;
    /// At most `take` groups that have any role in an organization, oldest first, after this one.
    async fn organization_groups_after(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        after: Option<GroupId>,
        take: u32,
    ) -> Result<Vec<Group>, StoreError>;
}
