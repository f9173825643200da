//! Secrets at rest: sealed with an AEAD under the master key.

use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

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

/// A master key, in the forms in which it is used.
struct MasterKey {
    key: LessSafeKey,
    id: [u8; KEY_ID_BYTES],
    /// The key again, to derive others from.
    deriving: hmac::Key,
}

impl MasterKey {
    fn new(bytes: &[u8; MASTER_KEY_BYTES]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes 32 bytes");
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest(&SHA256, bytes).as_ref()[..KEY_ID_BYTES]);
        Self { key: LessSafeKey::new(unbound), id, deriving: hmac::Key::new(hmac::HMAC_SHA256, bytes) }
    }

    fn derive(&self, context: &str) -> [u8; DERIVED_KEY_BYTES] {
        let tag = hmac::sign(&self.deriving, format!("headwater derived key: {context}").as_bytes());
        tag.as_ref().try_into().expect("a tag of SHA-256 has 32 bytes")
    }
}

/// Seals and opens secrets. The key id travels with each, so the master key can be changed while it is used: the
/// newest one seals, and all of them open.
pub struct Keyring {
    /// The newest first; at least one.
    keys: RwLock<Vec<Arc<MasterKey>>>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(***)")
    }
}

impl Keyring {
    /// A keyring with one master key.
    pub fn new(master_key: &[u8; MASTER_KEY_BYTES]) -> Self {
        Self::with_previous(master_key, &[])
    }

    /// A keyring that seals with `newest`, and opens what was sealed with that or with one of `previous`.
    pub fn with_previous(newest: &[u8; MASTER_KEY_BYTES], previous: &[[u8; MASTER_KEY_BYTES]]) -> Self {
        let keyring = Self { keys: RwLock::new(vec![Arc::new(MasterKey::new(newest))]) };
        for key in previous {
            keyring.keys_mut().push(Arc::new(MasterKey::new(key)));
        }
        keyring
    }

    /// Seals with this key from now on. What was sealed with the others still opens, as long as the keyring lives:
    /// somebody may be reading it.
    pub fn renew(&self, newest: &[u8; MASTER_KEY_BYTES]) {
        let newest = MasterKey::new(newest);
        let mut keys = self.keys_mut();
        keys.retain(|key| key.id != newest.id);
        keys.insert(0, Arc::new(newest));
    }

    /// Whether this is the key that it seals with.
    pub fn seals_with(&self, master_key: &[u8; MASTER_KEY_BYTES]) -> bool {
        self.newest().id == MasterKey::new(master_key).id
    }

    /// Whether a sealed text was sealed with the newest key.
    pub fn is_renewed(&self, sealed: &[u8]) -> bool {
        key_id(sealed) == Some(self.newest().id)
    }

    /// How what is sealed with the newest key begins.
    pub(crate) fn sealed_prefix(&self) -> Vec<u8> {
        std::iter::once(FORMAT).chain(self.newest().id).collect()
    }

    /// A key for another purpose, which `context` names, from the newest master key. It tells nothing about that one,
    /// nor about those of other purposes.
    pub fn derive(&self, context: &str) -> [u8; DERIVED_KEY_BYTES] {
        self.newest().derive(context)
    }

    /// The same from the master key that `sealed` was sealed with.
    pub(crate) fn derive_as(&self, sealed: &[u8], context: &str) -> Result<[u8; DERIVED_KEY_BYTES], KeyringError> {
        self.key_of(sealed).map(|key| key.derive(context)).ok_or(KeyringError)
    }

    /// Seals `secret` for one place: `context` (a table and a row) must be given again to open it, so that
    /// a sealed text moved to another row does not open there.
    pub fn seal(&self, secret: &Secret, context: &str, entropy: &dyn Entropy) -> Vec<u8> {
        let newest = self.newest();
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut text = secret.expose().as_bytes().to_vec();
        newest
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), &mut text)
            .expect("a secret is far shorter than what AES-GCM can seal");
        let mut sealed = Vec::with_capacity(HEADER_BYTES + text.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&newest.id);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut text);
        sealed
    }

    /// Opens what [`Keyring::seal`] sealed for the same place.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Secret, KeyringError> {
        let master_key = self.key_of(sealed).ok_or(KeyringError)?;
        let (header, text) = sealed.split_at_checked(HEADER_BYTES).ok_or(KeyringError)?;
        let nonce = Nonce::try_assume_unique_for_key(&header[1 + KEY_ID_BYTES..]).map_err(|_| KeyringError)?;
        let mut text = text.to_vec();
        let opened =
            master_key.key.open_in_place(nonce, Aad::from(context.as_bytes()), &mut text).map_err(|_| KeyringError)?;
        String::from_utf8(opened.to_vec()).map(Secret::new).map_err(|_| KeyringError)
    }

    fn newest(&self) -> Arc<MasterKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.first().expect("there is at least one key"))
    }

    fn key_of(&self, sealed: &[u8]) -> Option<Arc<MasterKey>> {
        let id = key_id(sealed)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.id == id).map(Arc::clone)
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, Vec<Arc<MasterKey>>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of the key that a text was sealed with.
fn key_id(sealed: &[u8]) -> Option<[u8; KEY_ID_BYTES]> {
    match sealed.split_first()? {
        (&FORMAT, rest) => rest.first_chunk().copied(),
        _ => None,
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
    fn a_new_key_seals_and_the_former_ones_still_open() {
        let keyring = Keyring::new(&[7; 32]);
        let former = keyring.seal(&Secret::new("token"), "streams/est_1", &Fixed);
        assert!(keyring.is_renewed(&former));
        keyring.renew(&[8; 32]);
        assert!(keyring.seals_with(&[8; 32]) && !keyring.seals_with(&[7; 32]));
        let sealed = keyring.seal(&Secret::new("token"), "streams/est_1", &Fixed);
        assert!(keyring.is_renewed(&sealed) && !keyring.is_renewed(&former));
        for (keyring, opens) in [
            (keyring, [true, true]),
            (Keyring::with_previous(&[9; 32], &[[7; 32], [8; 32]]), [true, true]),
            (Keyring::new(&[7; 32]), [true, false]),
            (Keyring::new(&[8; 32]), [false, true]),
        ] {
            let opened = [&former, &sealed].map(|text| keyring.open(text, "streams/est_1").is_ok());
            assert_eq!(opened, opens);
        }
    }

    #[test]
    fn a_key_follows_from_the_one_that_sealed() {
        let keyring = Keyring::with_previous(&[8; 32], &[[7; 32]]);
        let former = Keyring::new(&[7; 32]);
        let sealed = former.seal(&Secret::new("x"), "a", &Fixed);
        assert_eq!(keyring.derive_as(&sealed, "b").unwrap(), former.derive("b"));
        assert!(Keyring::new(&[8; 32]).derive_as(&sealed, "b").is_err());
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
