//! What every handler works with.

use std::sync::Arc;

use domain::clock::{Clock, Entropy, Timestamp};
use store::{State, StoreError};
use tokio::sync::Semaphore;

use crate::action_runner::ActionRunner;
use crate::auth::TokenCache;
use crate::dashboard::{LIVE_MAX, Passwords, Tries};
use crate::event_types::SchemaCache;
use crate::pull::seats::Seats;
use crate::rate_limit::Buckets;
use crate::settings::Settings;
use crate::tenants::Tenants;
use crate::tokens::keys::KeyError;
use crate::tokens::secret_hash::Hasher;

/// The application behind the router: the store, what runs actions, the clock, randomness, and what was loaded at the start.
pub struct App {
    pub(crate) state: Arc<dyn State>,
    pub(crate) runner: Arc<dyn ActionRunner>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    pub(crate) tenants: Tenants,
    pub(crate) checked_tokens: TokenCache,
    pub(crate) buckets: Buckets,
    pub(crate) hasher: Hasher,
    /// Schemas of registered event types.
    pub(crate) schemas: SchemaCache,
    /// Who reads the Events API.
    pub(crate) seats: Arc<Seats>,
    /// Operators' passwords.
    pub(crate) passwords: Passwords,
    /// How often somebody may still try to sign in.
    pub(crate) sign_in_tries: Tries,
    /// Live parts of pages.
    pub(crate) live_seats: Arc<Semaphore>,
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
    /// Loads the tenants and their signing keys, which [`crate::bootstrap`] has made.
    ///
    /// # Errors
    /// [`LoadError`] if the store does not answer, or there is no signing key that can be read.
    pub async fn load(
        state: Arc<dyn State>,
        runner: Arc<dyn ActionRunner>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            tenants: Tenants::load(&*state, &settings).await?,
            hasher: Hasher::new(&*entropy),
            passwords: Passwords::new(&*entropy),
            sign_in_tries: Tries::default(),
            live_seats: Arc::new(Semaphore::new(LIVE_MAX)),
            schemas: SchemaCache::default(),
            checked_tokens: TokenCache::default(),
            seats: Arc::new(Seats::new(settings.readers.connections_max)),
            buckets: Buckets::default(),
            state,
            runner,
            clock,
            entropy,
            settings,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().wall
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("settings", &self.settings).finish_non_exhaustive()
    }
}
