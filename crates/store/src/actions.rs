//! Actions, as the API reads them, and what of them delivery runs.

use async_trait::async_trait;
use domain::action::{Action, ActionVersion, DeployedAction};
use domain::change::Versioned;
use domain::ids::{ActionId, ActionVersionId, TenantId};
use domain::stream::EventStream;

use crate::{Page, StoreError};

/// Which actions are meant; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionFilter {
    /// Those with exactly this name.
    pub name: Option<String>,
    /// Those of which a version runs, or those of which none does.
    pub deployed: Option<bool>,
}

/// Actions and their versions, as the API reads them.
#[async_trait]
pub trait Actions: Send + Sync {
    /// An action with its secrets.
    async fn action_get(&self, tenant: TenantId, id: ActionId) -> Result<Option<Versioned<Action>>, StoreError>;
    /// Actions with their secrets, oldest first.
    async fn action_page(&self, tenant: TenantId, filter: ActionFilter, page: Page) -> Result<Vec<Action>, StoreError>;
    /// How many actions [`Actions::action_page`] has to page through.
    async fn action_count(&self, tenant: TenantId, filter: ActionFilter) -> Result<u64, StoreError>;

    /// A version of an action, with its secrets.
    async fn action_version_get(
        &self,
        tenant: TenantId,
        action: ActionId,
        version: ActionVersionId,
    ) -> Result<Option<ActionVersion>, StoreError>;
    /// The versions of an action that are kept, with their secrets, newest first.
    async fn action_version_page(
        &self,
        tenant: TenantId,
        action: ActionId,
        page: Page,
    ) -> Result<Vec<ActionVersion>, StoreError>;
    /// How many versions of an action are kept.
    async fn action_version_count(&self, tenant: TenantId, action: ActionId) -> Result<u64, StoreError>;

    /// The streams that have an action as their destination, in the order of their ids.
    async fn action_streams(
        &self,
        tenant: TenantId,
        action: ActionId,
    ) -> Result<Vec<Versioned<EventStream>>, StoreError>;
}

/// What of actions delivery runs.
#[async_trait]
pub trait DeployedActions: Send + Sync {
    /// The version of an action that runs now; `None` if the action has gone, or was never deployed. When another one
    /// is deployed, the streams that have the action as their destination are among those that have changed.
    async fn action_deployed(&self, action: ActionId) -> Result<Option<DeployedAction>, StoreError>;
}
