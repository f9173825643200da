//! Secrets at rest: sealed with an AEAD under the master key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use domain::clock::Entropy;
use domain::secret::Secret;

use crate::tenant_keys::DERIVED_KEY_BYTES;

/// The length of a master key.
pub const MASTER_KEY_BYTES: usize = 32;

/// The first byte of what is sealed says how: AES-256-GCM, then a key id of 4 bytes, the nonce, the text.
const FORMAT: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_LEN;

/// A sealed secret that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the secret was sealed with another key, or was tampered with")]
pub struct KeyringError;

/// Seals and opens secrets. The key id travels with each, so that keys can be rotated.
pub struct Keyring {
    key: LessSafeKey,
    key_id: [u8; KEY_ID_BYTES],
    /// The master key again, to derive others from.
    deriving: hmac::Key,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(***)")
    }
}

impl Keyring {
    /// A keyring with one master key.
    pub fn new(master_key: &[u8; MASTER_KEY_BYTES]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, master_key).expect("AES-256 takes 32 bytes");
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(&digest(&SHA256, master_key).as_ref()[..KEY_ID_BYTES]);
        Self { key: LessSafeKey::new(unbound), key_id, deriving: hmac::Key::new(hmac::HMAC_SHA256, master_key) }
    }

    /// A key for another purpose, which `context` names. It tells nothing about this one, nor about those of
    /// other purposes.
    pub fn derive(&self, context: &str) -> [u8; DERIVED_KEY_BYTES] {
        let tag = hmac::sign(&self.deriving, format!("headwater derived key: {context}").as_bytes());
        tag.as_ref().try_into().expect("a tag of SHA-256 has 32 bytes")
    }

    /// Seals `secret` for one place: `context` (a table and a row) must be given again to open it, so that
    /// a sealed text moved to another row does not open there.
    pub fn seal(&self, secret: &Secret, context: &str, entropy: &dyn Entropy) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut text = secret.expose().as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), &mut text)
            .expect("a secret is far shorter than what AES-GCM can seal");
        let mut sealed = Vec::with_capacity(HEADER_BYTES + text.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.key_id);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut text);
        sealed
    }

    /// Opens what [`Keyring::seal`] sealed for the same place.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Secret, KeyringError> {
        let (header, text) = sealed.split_at_checked(HEADER_BYTES).ok_or(KeyringError)?;
        if header[0] != FORMAT || header[1..=KEY_ID_BYTES] != self.key_id {
            return Err(KeyringError);
        }
        let nonce = Nonce::try_assume_unique_for_key(&header[1 + KEY_ID_BYTES..]).map_err(|_| KeyringError)?;
        let mut text = text.to_vec();
        let opened =
            self.key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut text).map_err(|_| KeyringError)?;
        String::from_utf8(opened.to_vec()).map(Secret::new).map_err(|_| KeyringError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(9);
        }
    }

    #[test]
    fn opens_only_with_the_key_and_in_the_place_it_was_sealed_for() {
        let keyring = Keyring::new(&[7; 32]);
        let sealed = keyring.seal(&Secret::new("token"), "streams/est_1", &Fixed);
        assert_eq!(keyring.open(&sealed, "streams/est_1").unwrap().expose(), "token");
        assert!(keyring.open(&sealed, "streams/est_2").is_err());
        assert!(Keyring::new(&[8; 32]).open(&sealed, "streams/est_1").is_err());
        assert!(keyring.open(&sealed[..10], "streams/est_1").is_err());
        assert!(!sealed.windows(5).any(|part| part == b"token"));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_master_key() {
        let keyring = Keyring::new(&[7; 32]);
        assert_eq!(keyring.derive("a"), Keyring::new(&[7; 32]).derive("a"));
        assert_ne!(keyring.derive("a"), keyring.derive("b"));
        assert_ne!(keyring.derive("a"), Keyring::new(&[8; 32]).derive("a"));
        assert_ne!(keyring.derive("a"), [7; 32]);
    }
}
