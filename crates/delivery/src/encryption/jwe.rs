//! JSON Web Encryption (RFC 7516) in its compact form: to an RSA key or a point of P-256, the content by AES-256-GCM.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, EphemeralPrivateKey, ParsedPublicKey, UnparsedPublicKey, agree_ephemeral};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::encryption::{EncryptionKey, KeyAlgorithm, PublicKey};
use serde_json::json;

/// The content's encryption, and its key's length in bytes.
const CONTENT_ENCRYPTION: &str = "A256GCM";
const CONTENT_KEY_BYTES: usize = 32;

/// What a wrapped key is longer by.
const WRAPPING_BYTES: usize = 8;

/// The form of a point in which both coordinates stand.
const UNCOMPRESSED: u8 = 4;
const COORDINATE_BYTES: usize = 32;

/// Why there is no encrypted body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JweError {
    /// Its numbers are no key.
    #[error("the key to encrypt to cannot be used: its numbers are not those of a public key")]
    Key,
    /// The cryptography library failed.
    #[error("the payload could not be encrypted")]
    Failed,
}

impl From<Unspecified> for JweError {
    fn from(_: Unspecified) -> Self {
        Self::Failed
    }
}

/// A public key that is ready for use.
pub(crate) struct Recipient {
    kid: Option<String>,
    algorithm: KeyAlgorithm,
    key: Key,
}

enum Key {
    Rsa(OaepPublicEncryptingKey),
    Point([u8; 1 + 2 * COORDINATE_BYTES]),
}

/// The header of one message, and how its content's key gets to the receiver.
struct Agreed {
    header: String,
    content_key: [u8; CONTENT_KEY_BYTES],
    encrypted_key: Vec<u8>,
}

impl Recipient {
    pub(super) fn new(key: &EncryptionKey) -> Result<Self, JweError> {
        let ready = match &key.public {
            PublicKey::Rsa { n, e } => {
                let components = PublicKeyComponents { n, e };
                let public: PublicEncryptingKey = components.try_into().map_err(|_| JweError::Key)?;
                Key::Rsa(OaepPublicEncryptingKey::new(public).map_err(|_| JweError::Key)?)
            }
            PublicKey::P256 { x, y } => {
                let mut point = [UNCOMPRESSED; 1 + 2 * COORDINATE_BYTES];
                point[1..=COORDINATE_BYTES].copy_from_slice(x);
                point[1 + COORDINATE_BYTES..].copy_from_slice(y);
                // It must lie on the curve.
                ParsedPublicKey::try_from(UnparsedPublicKey::new(&ECDH_P256, &point)).map_err(|_| JweError::Key)?;
                Key::Point(point)
            }
        };
        Ok(Self { kid: key.kid.clone(), algorithm: key.algorithm, key: ready })
    }

    /// Encrypts what the parts are together.
    pub(super) fn encrypt(&self, parts: &[&[u8]]) -> Result<String, JweError> {
        let Agreed { header, content_key, encrypted_key } = self.agree()?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce)?;
        let mut content = parts.concat();
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key)?);
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        let tag = sealing.seal_in_place_separate_tag(nonce_used, Aad::from(header.as_bytes()), &mut content)?;
        let mut jwe = header;
        jwe.reserve((encrypted_key.len() + content.len()) * 4 / 3 + 64);
        for part in [&encrypted_key[..], &nonce, &content, tag.as_ref()] {
            jwe.push('.');
            URL_SAFE_NO_PAD.encode_string(part, &mut jwe);
        }
        Ok(jwe)
    }

    fn agree(&self) -> Result<Agreed, JweError> {
        match &self.key {
            Key::Rsa(key) => {
                let mut content_key = [0; CONTENT_KEY_BYTES];
                rand::fill(&mut content_key)?;
                let mut encrypted_key = vec![0; key.ciphertext_size()];
                key.encrypt(&OAEP_SHA256_MGF1SHA256, &content_key, &mut encrypted_key, None)?;
                Ok(Agreed { header: self.header(None), content_key, encrypted_key })
            }
            Key::Point(point) => self.agree_with(point),
        }
    }

    /// A key that follows from one of ours that is used once, and from the receiver's (RFC 7518, 4.6).
    fn agree_with(&self, point: &[u8]) -> Result<Agreed, JweError> {
        let ours = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())?;
        let public = ours.compute_public_key()?;
        let header = self.header(Some(public.as_ref()));
        let direct = self.algorithm == KeyAlgorithm::EcdhEs;
        let purpose = if direct { CONTENT_ENCRYPTION } else { self.algorithm.name() };
        let theirs = UnparsedPublicKey::new(&ECDH_P256, point);
        let agreed = agree_ephemeral(ours, theirs, JweError::Failed, |secret| Ok(derived_key(secret, purpose)))?;
        if direct {
            return Ok(Agreed { header, content_key: agreed, encrypted_key: Vec::new() });
        }
        let mut content_key = [0; CONTENT_KEY_BYTES];
        rand::fill(&mut content_key)?;
        let mut encrypted_key = vec![0; CONTENT_KEY_BYTES + WRAPPING_BYTES];
        AesKek::new(&AES_256, &agreed)?.wrap(&content_key, &mut encrypted_key)?;
        Ok(Agreed { header, content_key, encrypted_key })
    }

    /// The protected header, encoded; `public` is our key that is used once.
    fn header(&self, public: Option<&[u8]>) -> String {
        let mut header = json!({"alg": self.algorithm.name(), "enc": CONTENT_ENCRYPTION, "cty": "application/json"});
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        if let Some([_, point @ ..]) = public {
            let (x, y) = point.split_at(COORDINATE_BYTES);
            let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
            header["epk"] = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        }
        URL_SAFE_NO_PAD.encode(header.to_string())
    }
}

/// The concatenation key derivation function, of which a key of 32 bytes takes one round; neither party is named.
fn derived_key(secret: &[u8], purpose: &str) -> [u8; CONTENT_KEY_BYTES] {
    derived_key_between(secret, purpose, [b"", b""])
}

fn derived_key_between(secret: &[u8], purpose: &str, parties: [&[u8]; 2]) -> [u8; CONTENT_KEY_BYTES] {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let mut context = Context::new(&SHA256);
    context.update(&number(1));
    context.update(secret);
    for named in [purpose.as_bytes(), parties[0], parties[1]] {
        context.update(&number(named.len()));
        context.update(named);
    }
    context.update(&number(CONTENT_KEY_BYTES * 8));
    let mut key = [0; CONTENT_KEY_BYTES];
    key.copy_from_slice(context.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::agreement::{PrivateKey, agree};
    use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
    use serde_json::Value;

    use super::*;

    /// The receiver's side, for one algorithm; whole clients of others decrypt in the stories.
    fn opened(private: &PrivateKey, jwe: &str) -> (Value, Vec<u8>) {
        let parts: Vec<_> = jwe.split('.').collect();
        let [header, wrapped, nonce, content, tag] = parts[..] else { panic!("{jwe}") };
        assert_eq!(wrapped, "");
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let read: Value = serde_json::from_slice(&decode(header)).unwrap();
        let coordinate = |name: &str| decode(read["epk"][name].as_str().unwrap());
        let point = [vec![UNCOMPRESSED], coordinate("x"), coordinate("y")].concat();
        let key = agree(private, UnparsedPublicKey::new(&ECDH_P256, point), Unspecified, |secret| {
            Ok(derived_key(secret, CONTENT_ENCRYPTION))
        });
        let opening = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key.unwrap()).unwrap());
        let mut sealed = [decode(content), decode(tag)].concat();
        let nonce = Nonce::try_assume_unique_for_key(&decode(nonce)).unwrap();
        let plain = opening.open_in_place(nonce, Aad::from(header.as_bytes()), &mut sealed).unwrap().to_vec();
        (read, plain)
    }

    fn key(private: &PrivateKey, algorithm: &str) -> EncryptionKey {
        let public = private.compute_public_key().unwrap();
        let (x, y) = public.as_ref()[1..].split_at(COORDINATE_BYTES);
        let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "one", "alg": algorithm});
        EncryptionKey::from_jwk(jwk.as_object().unwrap()).unwrap()
    }

    #[test]
    fn what_is_encrypted_can_be_opened_and_is_different_each_time() {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let recipient = Recipient::new(&key(&private, "ECDH-ES")).unwrap();
        let (header, plain) = opened(&private, &recipient.encrypt(&[b"{\"a\":", b"1}"]).unwrap());
        assert_eq!(plain, b"{\"a\":1}");
        assert_eq!(header["alg"], "ECDH-ES");
        assert_eq!(header["enc"], "A256GCM");
        assert_eq!(header["cty"], "application/json");
        assert_eq!(header["kid"], "one");
        let [one, other] = [0, 1].map(|_| recipient.encrypt(&[b"the same"]).unwrap());
        assert_ne!(one, other);
        assert_ne!(one.split('.').next(), other.split('.').next());
    }

    #[test]
    fn a_wrapped_key_is_part_of_the_message() {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let recipient = Recipient::new(&key(&private, "ECDH-ES+A256KW")).unwrap();
        let jwe = recipient.encrypt(&[b"x"]).unwrap();
        let wrapped = URL_SAFE_NO_PAD.decode(jwe.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(wrapped.len(), CONTENT_KEY_BYTES + WRAPPING_BYTES);
    }

    #[test]
    fn numbers_that_are_no_key_are_refused() {
        let off = json!({
            "kty": "EC", "crv": "P-256",
            "x": URL_SAFE_NO_PAD.encode([1; 32]), "y": URL_SAFE_NO_PAD.encode([2; 32]),
        });
        let key = EncryptionKey::from_jwk(off.as_object().unwrap()).unwrap();
        assert_eq!(Recipient::new(&key).err(), Some(JweError::Key));
    }

    #[test]
    fn the_derivation_is_that_of_the_standard() {
        // RFC 7518, appendix C, with a key of 16 bytes; the same secret gives ours the standard's own example of 32.
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let private = decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).unwrap();
        let exported: EcPrivateKeyBin = private.as_be_bytes().unwrap();
        assert_eq!(exported.as_ref().len(), 32);
        let point = [
            vec![UNCOMPRESSED],
            decode("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ"),
            decode("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"),
        ];
        let theirs = UnparsedPublicKey::new(&ECDH_P256, point.concat());
        let secret = agree(&private, theirs, Unspecified, |secret| Ok(secret.to_vec())).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(&secret), "nlbZHYFxNdNyg0KDv4QmnPsxbqPagGpI9tqneYz-kMQ");
    }
}
