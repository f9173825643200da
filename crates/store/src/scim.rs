//! What SCIM keeps of a connection: how it is provisioned, by which tokens, and its users.

use async_trait::async_trait;
use domain::change::Versioned;
use domain::clock::Timestamp;
use domain::ids::{ConnectionId, TenantId, UserId};
use domain::scim::{ScimConfiguration, ScimToken, ScimTokenHash, ScimTokenId, ScimUser, ScimUserId};

use crate::{Page, StoreError};

/// Which SCIM users are meant: those of whom everything holds that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScimUserFilter {
    /// The one with this id.
    pub id: Option<ScimUserId>,
    /// The one with this name, in any case.
    pub user_name: Option<String>,
    /// Those with this external id.
    pub external_id: Option<String>,
    /// Those with this e-mail address, in any case.
    pub email: Option<String>,
}

/// A SCIM user and the user that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimIdentity {
    /// The resource's id.
    pub id: ScimUserId,
    /// The user.
    pub user_id: UserId,
    /// The user's name with the provider.
    pub user_name: String,
}

/// What SCIM keeps, as it reads it.
#[async_trait]
pub trait Scim: Send + Sync {
    /// How a connection is provisioned.
    async fn scim_configuration_get(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<Versioned<ScimConfiguration>>, StoreError>;

    /// The tokens of a connection, oldest first.
    async fn scim_tokens(&self, tenant: TenantId, connection: &ConnectionId) -> Result<Vec<ScimToken>, StoreError>;
    /// The token with this hash.
    async fn scim_token_by_hash(&self, tenant: TenantId, hash: ScimTokenHash) -> Result<Option<ScimToken>, StoreError>;
    /// Notes when a token was last shown.
    async fn scim_token_used(&self, tenant: TenantId, id: &ScimTokenId, now: Timestamp) -> Result<(), StoreError>;

    /// A SCIM user.
    async fn scim_user_get(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        id: &ScimUserId,
    ) -> Result<Option<Versioned<ScimUser>>, StoreError>;
    /// The SCIM users whom `filter` means, oldest first.
    async fn scim_user_page(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        filter: ScimUserFilter,
        page: Page,
    ) -> Result<Vec<Versioned<ScimUser>>, StoreError>;
    /// How many [`Scim::scim_user_page`] has to page through.
    async fn scim_user_count(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        filter: ScimUserFilter,
    ) -> Result<u64, StoreError>;
    /// Those of these that there are.
    async fn scim_identities(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        ids: Vec<ScimUserId>,
    ) -> Result<Vec<ScimIdentity>, StoreError>;
}
