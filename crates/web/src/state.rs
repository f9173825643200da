//! What every handler works with.

use std::sync::Arc;

use domain::account::{DEFAULT_TENANT, Tenant};
use domain::clock::{Clock, Entropy, Timestamp};
use domain::event::Source;
use domain::ids::TenantId;
use store::{State, StoreError};

use crate::auth::TokenCache;
use crate::event_types::SchemaCache;
use crate::settings::Settings;
use crate::tokens::keys::{KeyError, Keys};
use crate::tokens::secret_hash::Hasher;
use crate::wire::resource_server::ResourceServer;

/// The application behind the router: the store, the clock, randomness, and what was loaded at the start.
pub struct App {
    pub(crate) state: Arc<dyn State>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    pub(crate) tenant: Tenant,
    /// The tenant as events name it.
    pub(crate) source: Source,
    pub(crate) keys: Keys,
    pub(crate) checked_tokens: TokenCache,
    pub(crate) hasher: Hasher,
    /// Schemas of registered event types.
    pub(crate) schemas: SchemaCache,
    /// The one API there is.
    pub(crate) management_api: ResourceServer,
}

/// Why the application cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store does not answer as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signing key is missing or cannot be read.
    #[error("the keys that tokens are signed with cannot be loaded")]
    Keys(#[from] KeyError),
}

impl App {
    /// Loads the default tenant and the signing keys, which [`crate::bootstrap`] has made.
    ///
    /// # Errors
    /// [`LoadError`] if the store does not answer, or there is no signing key that can be read.
    pub async fn load(
        state: Arc<dyn State>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Result<Self, LoadError> {
        let tenant = state.tenant_ensure(DEFAULT_TENANT).await?;
        let keys = Keys::load(&state.signing_keys().await?, &settings.public_url)?;
        Ok(Self {
            source: Source::new(&tenant.name, settings.public_url.domain()),
            hasher: Hasher::new(&*entropy),
            schemas: SchemaCache::default(),
            management_api: ResourceServer::management_api(&settings),
            checked_tokens: TokenCache::default(),
            state,
            clock,
            entropy,
            settings,
            tenant,
            keys,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    pub(crate) fn tenant_id(&self) -> TenantId {
        self.tenant.id
    }

    /// The identifier of the Management API.
    pub(crate) fn audience(&self) -> &str {
        self.settings.public_url.audience()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("tenant", &self.tenant).field("settings", &self.settings).finish_non_exhaustive()
    }
}
