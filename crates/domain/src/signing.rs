//! What requests are signed with: the secrets of the Standard Webhooks specification as texts, without the
//! cryptography, which whoever signs brings along.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Entropy;
use crate::secret::Secret;

/// The most secrets that sign at once. Two are enough to rotate.
pub const SIGNING_SECRETS_MAX: usize = 5;
/// The bytes of a symmetric secret, at least.
pub const HMAC_BYTES_MIN: usize = 24;
/// The bytes of a symmetric secret, at most.
pub const HMAC_BYTES_MAX: usize = 64;
/// The bytes of a symmetric secret that the server makes.
const HMAC_BYTES_MADE: usize = 32;
/// The bytes of the seed of an ed25519 key, and those of its public key.
pub const ED25519_BYTES: usize = 32;

const SYMMETRIC: &str = "whsec_";
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";

/// How requests are signed; each secret signs, so that a receiver can go over from one to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signing {
    /// `v1`: HMAC-SHA256, with at least one secret.
    HmacSha256(Vec<HmacSecret>),
    /// `v1a`: ed25519, with at least one key.
    Ed25519(Vec<Ed25519Key>),
}

impl Signing {
    /// The word for its algorithm in the API and in a store.
    pub const fn algorithm(&self) -> SigningAlgorithm {
        match self {
            Self::HmacSha256(_) => SigningAlgorithm::HmacSha256,
            Self::Ed25519(_) => SigningAlgorithm::Ed25519,
        }
    }
}

/// The algorithms of signatures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SigningAlgorithm {
    /// `hmac-sha256`
    HmacSha256,
    /// `ed25519`
    Ed25519,
}

impl SigningAlgorithm {
    /// The word for it in the API and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::Ed25519 => "ed25519",
        }
    }

    /// Reads the word for it.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::HmacSha256, Self::Ed25519].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// A text that is not a secret to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningSecretError {
    /// Not a symmetric one.
    #[error("A secret is whsec_ and the base64 of {HMAC_BYTES_MIN} to {HMAC_BYTES_MAX} bytes")]
    Symmetric,
    /// Not a private key.
    #[error("A private key is whsk_ and the base64 of a seed of 32 bytes, which its public key of 32 bytes may follow")]
    Private,
    /// The public key after the seed is another one's.
    #[error("The public key in the second half is not that of the seed in the first")]
    Mismatch,
}

fn decoded(text: &str, prefix: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.strip_prefix(prefix)?).ok()
}

/// A symmetric secret: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HmacSecret(Secret);

impl HmacSecret {
    /// Reads one.
    ///
    /// # Errors
    /// [`SigningSecretError::Symmetric`]
    pub fn parse(text: &str) -> Result<Self, SigningSecretError> {
        let bytes = decoded(text, SYMMETRIC).ok_or(SigningSecretError::Symmetric)?;
        if !(HMAC_BYTES_MIN..=HMAC_BYTES_MAX).contains(&bytes.len()) {
            return Err(SigningSecretError::Symmetric);
        }
        Ok(Self(Secret::new(text)))
    }

    /// Makes one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; HMAC_BYTES_MADE];
        entropy.fill(&mut bytes);
        Self(Secret::new(format!("{SYMMETRIC}{}", STANDARD.encode(bytes))))
    }

    /// Its text.
    pub const fn text(&self) -> &Secret {
        &self.0
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        decoded(self.0.expose(), SYMMETRIC).expect("it was read, or made, as such")
    }
}

/// An ed25519 key: a seed, and the public key that follows from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ed25519Key {
    /// `whsk_` and base64 of the seed and the public key.
    secret: Secret,
}

impl Ed25519Key {
    /// Reads one. `derive` answers the public key of a seed.
    ///
    /// # Errors
    /// If the text is none, or says another public key than that of its seed.
    pub fn parse(
        text: &str,
        derive: impl FnOnce(&[u8; ED25519_BYTES]) -> [u8; ED25519_BYTES],
    ) -> Result<Self, SigningSecretError> {
        let bytes = decoded(text, PRIVATE).ok_or(SigningSecretError::Private)?;
        let (seed, public) = bytes.split_first_chunk().ok_or(SigningSecretError::Private)?;
        let key = Self::of_seed(seed, derive);
        match public {
            [] => Ok(key),
            given if *given == key.public() => Ok(key),
            given if given.len() == ED25519_BYTES => Err(SigningSecretError::Mismatch),
            _ => Err(SigningSecretError::Private),
        }
    }

    /// Reads one that was read before.
    ///
    /// # Errors
    /// [`SigningSecretError::Private`]
    pub fn from_stored(text: &str) -> Result<Self, SigningSecretError> {
        let bytes = decoded(text, PRIVATE).filter(|bytes| bytes.len() == 2 * ED25519_BYTES);
        bytes.map(|_| Self { secret: Secret::new(text) }).ok_or(SigningSecretError::Private)
    }

    /// Makes one. `derive` answers the public key of a seed.
    pub fn generate(entropy: &dyn Entropy, derive: impl FnOnce(&[u8; ED25519_BYTES]) -> [u8; ED25519_BYTES]) -> Self {
        let mut seed = [0; ED25519_BYTES];
        entropy.fill(&mut seed);
        Self::of_seed(&seed, derive)
    }

    fn of_seed(seed: &[u8; ED25519_BYTES], derive: impl FnOnce(&[u8; ED25519_BYTES]) -> [u8; ED25519_BYTES]) -> Self {
        let both = [*seed, derive(seed)].concat();
        Self { secret: Secret::new(format!("{PRIVATE}{}", STANDARD.encode(both))) }
    }

    /// Its text.
    pub const fn text(&self) -> &Secret {
        &self.secret
    }

    /// Its seed.
    pub fn seed(&self) -> [u8; ED25519_BYTES] {
        self.halves().0
    }

    /// Its public key.
    pub fn public(&self) -> [u8; ED25519_BYTES] {
        self.halves().1
    }

    /// Its public key as receivers take it: `whpk_` and base64.
    pub fn public_text(&self) -> String {
        format!("{PUBLIC}{}", STANDARD.encode(self.public()))
    }

    fn halves(&self) -> ([u8; ED25519_BYTES], [u8; ED25519_BYTES]) {
        let bytes = decoded(self.secret.expose(), PRIVATE).unwrap_or_default();
        let halves = bytes.split_first_chunk().and_then(|(seed, public)| Some((*seed, public.try_into().ok()?)));
        halves.expect("it was read, or made, with both halves")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands in for the curve.
    fn derive(seed: &[u8; 32]) -> [u8; 32] {
        seed.map(|byte| byte ^ 0xff)
    }

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(9);
        }
    }

    #[test]
    fn symmetric_secrets_have_24_to_64_bytes() {
        let of = |length: usize| format!("whsec_{}", STANDARD.encode(vec![1; length]));
        for (length, taken) in [(23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(HmacSecret::parse(&of(length)).is_ok(), taken, "{length}");
        }
        assert!(HmacSecret::parse(of(32).trim_start_matches("whsec_")).is_err());
        let made = HmacSecret::generate(&Fixed);
        assert_eq!(HmacSecret::parse(made.text().expose()).unwrap().bytes(), [9; 32]);
        assert!(!format!("{made:?}").contains("whsec_"));
    }

    #[test]
    fn a_private_key_is_a_seed_and_its_public_key_may_follow() {
        let of = |bytes: &[u8]| format!("whsk_{}", STANDARD.encode(bytes));
        let short = Ed25519Key::parse(&of(&[1; 32]), derive).unwrap();
        let whole = of(&[[1; 32], [0xfe; 32]].concat());
        assert_eq!(Ed25519Key::parse(&whole, derive).unwrap(), short);
        assert_eq!(Ed25519Key::from_stored(short.text().expose()).unwrap(), short);
        assert_eq!((short.seed(), short.public()), ([1; 32], [0xfe; 32]));
        assert!(short.public_text().starts_with("whpk_/v7+"));
        assert_eq!(Ed25519Key::parse(&of(&[1; 64]), derive), Err(SigningSecretError::Mismatch));
        for text in ["", "whsk_", &of(&[1; 31]), &of(&[1; 40]), &whole.replace("whsk_", "whsec_")] {
            assert_eq!(Ed25519Key::parse(text, derive), Err(SigningSecretError::Private), "{text}");
        }
    }
}
