//! Groups, their members and their roles.

use async_trait::async_trait;
use domain::change::Versioned;
use domain::clock::Timestamp;
use domain::group::Group;
use domain::ids::{ConnectionId, GroupId, TenantId, UserId};

use crate::{Page, ScimIdentity, StoreError};

/// Which groups are meant: those of which everything holds that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// The one with this id.
    pub id: Option<GroupId>,
    /// Those of this connection.
    pub connection: Option<ConnectionId>,
    /// Those with this name, in any case.
    pub name: Option<String>,
    /// Those with this external id.
    pub external_id: Option<String>,
    /// Those with this in their name or external id, in any case.
    pub search: Option<String>,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The user.
    pub user_id: UserId,
    /// Since when.
    pub added_at: Timestamp,
}

/// Groups, as the API reads them.
#[async_trait]
pub trait Groups: Send + Sync {
    /// A group.
    async fn group_get(&self, tenant: TenantId, id: GroupId) -> Result<Option<Versioned<Group>>, StoreError>;
    /// At most `take` of the groups that `filter` means, created after `after`, oldest first. An `after` that has been
    /// deleted since still marks its place.
    async fn groups_after(
        &self,
        tenant: TenantId,
        filter: GroupFilter,
        after: Option<GroupId>,
        take: u32,
    ) -> Result<Vec<Group>, StoreError>;
    /// The groups that `filter` means, oldest first.
    async fn group_page(
        &self,
        tenant: TenantId,
        filter: GroupFilter,
        page: Page,
    ) -> Result<Vec<Versioned<Group>>, StoreError>;
    /// How many groups `filter` means.
    async fn group_count(&self, tenant: TenantId, filter: GroupFilter) -> Result<u64, StoreError>;

    /// At most `take` members of a group, in the order of their ids, after this one.
    async fn group_members_after(
        &self,
        tenant: TenantId,
        group: GroupId,
        after: Option<&UserId>,
        take: u32,
    ) -> Result<Vec<GroupMember>, StoreError>;
    /// All members of a group as SCIM has them, in the order of their ids.
    async fn group_scim_members(&self, tenant: TenantId, group: GroupId) -> Result<Vec<ScimIdentity>, StoreError>;
    /// Those of these users who are members of a group.
    async fn group_members_among(
        &self,
        tenant: TenantId,
        group: GroupId,
        users: Vec<UserId>,
    ) -> Result<Vec<UserId>, StoreError>;
}
