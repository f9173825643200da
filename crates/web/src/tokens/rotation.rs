//! New keys to sign tokens with, while tokens of the former ones are still around.

use std::time::Duration;

use domain::account::DEFAULT_TENANT;
use domain::clock::{Clock, Entropy, Timestamp};
use domain::ids::TenantId;
use store::{Retire, State, StoreError};

use super::keys::{KeyError, generate_key};
use crate::settings::Settings;
use crate::state::{App, LoadError};

/// A tenant whose signing key was rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKeys {
    /// The tenant's name.
    pub tenant: String,
    /// `kid` of the new key.
    pub key_id: String,
    /// The former keys that still check tokens, and when each of them goes.
    pub retiring: Vec<(String, Timestamp)>,
}

/// Why signing keys were not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// No tenant has this name.
    #[error("no tenant {name} is served; there are {known}")]
    UnknownTenant {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The store does not answer as it should.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key could be made.
    #[error("no key to sign tokens with could be made")]
    Key(#[from] KeyError),
    /// The new key is in the store, and the process does not use it yet.
    #[error("the new key is stored, and will be used from the next start on")]
    Load(#[source] LoadError),
}

/// Gives a tenant, or each, a new key to sign tokens with. For a process that serves nobody; one that serves uses
/// [`App::signing_keys_rotate`].
///
/// # Errors
/// [`RotationError`]
pub async fn signing_keys_rotate(
    state: &dyn State,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    settings: &Settings,
    tenant: Option<&str>,
    retire: Retire,
) -> Result<Vec<RotatedKeys>, RotationError> {
    let mut rotated = Vec::new();
    for name in chosen(settings, tenant)? {
        let tenant = state.tenant_ensure(name).await?.id;
        state.token_lifetime_note(tenant, settings.token_lifetime.as_secs()).await?;
        rotated.push(rotate(state, clock, entropy, name, tenant, retire).await?);
    }
    Ok(rotated)
}

/// The names of the tenants that are meant.
fn chosen<'a>(settings: &'a Settings, tenant: Option<&'a str>) -> Result<Vec<&'a str>, RotationError> {
    let known: Vec<&str> =
        std::iter::once(DEFAULT_TENANT).chain(settings.tenants.iter().map(|each| each.name.as_str())).collect();
    match tenant {
        None => Ok(known),
        Some(name) if known.contains(&name) => Ok(vec![name]),
        Some(name) => Err(RotationError::UnknownTenant { name: name.to_owned(), known: known.join(", ") }),
    }
}

async fn rotate(
    state: &dyn State,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    name: &str,
    tenant: TenantId,
    retire: Retire,
) -> Result<RotatedKeys, RotationError> {
    let key = generate_key(clock.now().wall, entropy)?;
    let key_id = key.key_id.clone();
    state.signing_key_add(tenant, key, retire).await?;
    let keys = state.signing_keys(tenant).await?;
    let retiring = keys.into_iter().filter_map(|key| Some((key.key_id, key.retires_at?))).collect();
    tracing::info!(tenant = name, key = key_id, "tokens are signed with a new key");
    Ok(RotatedKeys { tenant: name.to_owned(), key_id, retiring })
}

impl App {
    /// Gives a tenant, or each, a new key to sign tokens with, and uses it from now on.
    ///
    /// # Errors
    /// [`RotationError`]
    pub async fn signing_keys_rotate(
        &self,
        tenant: Option<&str>,
        retire: Retire,
    ) -> Result<Vec<RotatedKeys>, RotationError> {
        let (state, entropy) = (&*self.state, &*self.entropy);
        let rotated = signing_keys_rotate(state, &*self.clock, entropy, &self.settings, tenant, retire).await?;
        for served in self.tenants.all() {
            served.keys_reload(state).await.map_err(RotationError::Load)?;
        }
        if retire == Retire::AtOnce {
            self.checked_tokens.forget();
        }
        Ok(rotated)
    }

    /// Takes away the keys whose tokens have all expired, and rotates those that sign for longer than `age_max`. To be
    /// called now and then.
    ///
    /// # Errors
    /// [`RotationError`]
    pub async fn signing_keys_upkeep(&self, age_max: Option<Duration>) -> Result<(), RotationError> {
        let now = self.now();
        for served in self.tenants.all() {
            if self.state.signing_keys_expire(served.id(), now).await? > 0 {
                tracing::info!(tenant = served.tenant.name, "a signing key has gone: its tokens have expired");
                served.keys_reload(&*self.state).await.map_err(RotationError::Load)?;
            }
            let Some(age_max) = age_max else { continue };
            let keys = self.state.signing_keys(served.id()).await?;
            if keys.first().is_some_and(|newest| now.since(newest.created_at) >= age_max) {
                self.signing_keys_rotate(Some(&served.tenant.name), Retire::WhenExpired).await?;
            }
        }
        Ok(())
    }
}
