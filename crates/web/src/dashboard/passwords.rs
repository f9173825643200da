//! The hashes of operators' passwords: Argon2id, written as PHC strings. People choose them, so each guess has to cost
//! time and memory.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::account::SecretHash;
use domain::clock::Entropy;
use domain::ids::random_text;
use domain::operator::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use domain::secret::Secret;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// What a guess costs: memory in KiB, passes over it, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
const SALT_BYTES: usize = 16;
/// How many hashes are computed at once: each keeps a core busy and 19 MiB taken.
const AT_ONCE_MAX: usize = 2;

fn hasher() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("these are within what Argon2 takes");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Why a text cannot be an operator's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("a password needs at least {PASSWORD_CHARS_MIN} characters; four words do, too")]
    TooShort,
    /// It is too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
}

/// The hash of a password, to be kept as an operator's.
///
/// # Errors
/// [`PasswordError`] if it cannot be one.
pub fn password_hash(password: &str, entropy: &dyn Entropy) -> Result<SecretHash, PasswordError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    Ok(hash(&Secret::new(password), entropy))
}

/// The hash of a password.
fn hash(password: &Secret, entropy: &dyn Entropy) -> SecretHash {
    let mut salt = [0; SALT_BYTES];
    entropy.fill(&mut salt);
    let hash = hasher().hash_password_with_salt(password.expose().as_bytes(), &salt);
    let hash: PasswordHash = hash.expect("any password has a hash with a salt of this length");
    SecretHash::from_encoded(hash.to_string())
}

/// Whether `password` is the one that was hashed. A hash that cannot be read matches nothing.
fn matches(hash: &SecretHash, password: &Secret) -> bool {
    let Ok(hash) = PasswordHash::new(hash.as_str()) else { return false };
    hasher().verify_password(password.expose().as_bytes(), &hash).is_ok()
}

/// Hashes away from the threads that serve, a bounded number at once.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// Compared with when there is no such operator, so that this takes as long as a wrong password.
    decoy: SecretHash,
}

impl Passwords {
    /// A hasher.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let decoy = hash(&Secret::new(random_text(entropy, 32)), entropy);
        Self { permits: Arc::new(Semaphore::new(AT_ONCE_MAX)), decoy }
    }

    /// Whether a password is the one that was hashed; `None` is the hash of an operator who has none.
    pub(crate) async fn matches(&self, hash: Option<SecretHash>, password: Secret) -> Result<bool, ApiError> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let matches = self.run(move || matches(&hash, &password)).await?;
        Ok(matches && exists)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let task = tokio::task::spawn_blocking(move || {
            // Kept here: hashing goes on although whoever asked has gone.
            let _permit = permit;
            work()
        });
        task.await.map_err(|error| ApiError::Internal("a password cannot be hashed", error.into()))
    }
}
