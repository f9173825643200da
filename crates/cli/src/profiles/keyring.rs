//! The system's keyring: Keychain, Credential Manager, or a Secret Service on D-Bus.
//!
//! There may be none (a server, a container), it may be locked, and it may never answer: each call has a bound, and
//! whoever calls has another place to go to.

use std::time::Duration;

use domain::secret::Secret;
use keyring::Entry;
use tokio::sync::oneshot;

use super::{Profile, ProfileName};

const SERVICE: &str = "headwater";
/// How long it may take; somebody may have to type a password to unlock it.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);

/// Why the keyring does not help.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It has no such secret.
    #[error("the system's keyring has no secret for this profile")]
    NoSecret,
    /// There is none, or it refuses.
    #[error("the system's keyring cannot be used: {0}")]
    Unusable(String),
    /// Nobody wants it.
    #[error("the system's keyring is not wanted")]
    NotWanted,
    /// It does not answer.
    #[error("the system's keyring has not answered within {} s", ANSWER_WAIT_MAX.as_secs())]
    Silent,
}

/// Keeps the secret of a profile.
///
/// # Errors
/// [`KeyringError::Unusable`], [`KeyringError::Silent`]
pub async fn keep(name: &ProfileName, profile: &Profile, secret: &Secret) -> Result<(), KeyringError> {
    let secret = secret.clone();
    on_entry(name, profile, move |entry| entry.set_password(secret.expose())).await
}

/// The secret of a profile.
///
/// # Errors
/// [`KeyringError`]
pub async fn get(name: &ProfileName, profile: &Profile) -> Result<Secret, KeyringError> {
    on_entry(name, profile, |entry| entry.get_password().map(Secret::new)).await
}

/// Forgets the secret of a profile; one that is not there is forgotten already.
///
/// # Errors
/// [`KeyringError::Unusable`], [`KeyringError::Silent`]
pub async fn forget(name: &ProfileName, profile: &Profile) -> Result<(), KeyringError> {
    match on_entry(name, profile, |entry| entry.delete_credential()).await {
        Ok(()) | Err(KeyringError::NoSecret) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Works on an entry beside everything else, because the keyring blocks and cannot be called off.
async fn on_entry<T: Send + 'static>(
    name: &ProfileName,
    profile: &Profile,
    work: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<T, KeyringError> {
    let account = format!("{name}: {} at {}", profile.client_id, profile.url);
    let (answer, answered) = oneshot::channel();
    let thread = std::thread::Builder::new().name("keyring".into());
    let started = thread.spawn(move || {
        let _ = answer.send(Entry::new(SERVICE, &account).and_then(|entry| work(&entry)));
    });
    started.map_err(|error| KeyringError::Unusable(error.to_string()))?;
    match tokio::time::timeout(ANSWER_WAIT_MAX, answered).await {
        Err(_) => Err(KeyringError::Silent),
        Ok(Err(_)) => Err(KeyringError::Unusable("it failed".into())),
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(keyring::Error::NoEntry))) => Err(KeyringError::NoSecret),
        Ok(Ok(Err(keyring::Error::NoDefaultStore))) => Err(KeyringError::Unusable("there is none".into())),
        Ok(Ok(Err(error))) => Err(KeyringError::Unusable(error.to_string())),
    }
}
