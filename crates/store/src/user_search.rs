//! Looking for users.

use async_trait::async_trait;
use domain::ids::TenantId;
use domain::user::User;
use domain::user_search::UserSearch;

use crate::{Page, StoreError};

/// Whether it is asked for how many there are: to know that, all have to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// It is.
    Wanted,
    /// It is not.
    NotWanted,
}

/// The users that a search has found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundUsers {
    /// Those of the page.
    pub users: Vec<User>,
    /// How many there are on all pages, if that was wanted.
    pub total: Option<u64>,
}

/// Looking for users, as the API does it.
#[async_trait]
pub trait UserSearches: Send + Sync {
    /// A page of the users that a search finds. Without an e-mail address to look up, every user of the tenant is
    /// looked at, in steps.
    async fn user_search(
        &self,
        tenant: TenantId,
        search: UserSearch,
        page: Page,
        total: Total,
    ) -> Result<FoundUsers, StoreError>;
    /// The users with an e-mail address, given in lower case, of all connections.
    async fn users_by_email(&self, tenant: TenantId, email: &str) -> Result<Vec<User>, StoreError>;
}
