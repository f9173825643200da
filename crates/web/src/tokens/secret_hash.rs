//! The hashes of client secrets: PBKDF2-HMAC-SHA256 with a salt, written with their iteration count.
//!
//! A generated secret has more than 256 random bits, which no number of iterations makes safer; they are
//! for the weaker ones that an operator may choose for the bootstrap application.

use std::num::NonZeroU32;
use std::sync::Arc;

use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::account::SecretHash;
use domain::clock::Entropy;
use domain::ids::random_text;
use domain::secret::Secret;
use tokio::sync::Semaphore;

use crate::error::ApiError;

const SCHEME: &str = "pbkdf2-sha256";
const ITERATIONS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// How many hashes are computed at once: each keeps a core busy for milliseconds.
const AT_ONCE_MAX: usize = 4;
/// The length of generated secrets, 5.95 bits a character.
const SECRET_CHARS: usize = 64;

/// A new client secret.
pub(crate) fn generate_secret(entropy: &dyn Entropy) -> Secret {
    Secret::new(random_text(entropy, SECRET_CHARS))
}

/// `pbkdf2-sha256$ITERATIONS$SALT$HASH`
pub(crate) fn hash_secret(secret: &Secret, entropy: &dyn Entropy) -> SecretHash {
    let mut salt = [0; SALT_BYTES];
    entropy.fill(&mut salt);
    let mut hash = [0; HASH_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, secret.expose().as_bytes(), &mut hash);
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    SecretHash::from_encoded(format!("{SCHEME}${ITERATIONS}${salt}${hash}"))
}

/// Whether `secret` is the one that was hashed, in constant time. A hash that cannot be read matches nothing.
pub(crate) fn matches(hash: &SecretHash, secret: &Secret) -> bool {
    let Some((iterations, salt, hash)) = read(hash.as_str()) else { return false };
    pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, secret.expose().as_bytes(), &hash).is_ok()
}

fn read(encoded: &str) -> Option<(NonZeroU32, Vec<u8>, Vec<u8>)> {
    let mut parts = encoded.split('$');
    if parts.next()? != SCHEME {
        return None;
    }
    let iterations = parts.next()?.parse().ok()?;
    let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let hash = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    Some((iterations, salt, hash))
}

/// Hashes away from the threads that serve, a bounded number at once.
pub(crate) struct Hasher {
    permits: Semaphore,
    /// Compared with when there is no such application, so that this takes as long as a wrong secret.
    decoy: SecretHash,
}

impl Hasher {
    /// A hasher.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let decoy = hash_secret(&generate_secret(entropy), entropy);
        Self { permits: Semaphore::new(AT_ONCE_MAX), decoy }
    }

    /// See [`matches`]; `None` is the hash of an application that does not exist.
    pub(crate) async fn matches(&self, hash: Option<SecretHash>, secret: Secret) -> Result<bool, ApiError> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let matches = self.run(move || matches(&hash, &secret)).await?;
        Ok(matches && exists)
    }

    /// See [`hash_secret`].
    pub(crate) async fn hash(&self, secret: &Secret, entropy: &Arc<dyn Entropy>) -> Result<SecretHash, ApiError> {
        let (secret, entropy) = (secret.clone(), Arc::clone(entropy));
        self.run(move || hash_secret(&secret, &*entropy)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| ApiError::Internal("a client secret could not be hashed", error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn only_the_same_secret_matches() {
        let hash = hash_secret(&Secret::new("s3cret"), &Sevens);
        assert!(hash.as_str().starts_with("pbkdf2-sha256$10000$BwcHBwcHBwcHBwcHBwcHBw$"));
        assert!(!hash.as_str().contains("s3cret"));
        assert!(matches(&hash, &Secret::new("s3cret")));
        assert!(!matches(&hash, &Secret::new("s3cres")));
        assert!(!matches(&hash, &Secret::new("")));
        assert!(!matches(&SecretHash::from_encoded("pbkdf2-sha256$0$$"), &Secret::new("")));
    }
}
