//! Encryption of what is sent to the public key of its receiver: which keys are taken, and which one of a set is meant.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::destination::Endpoint;

/// The longest `kid`, in bytes.
pub const KID_BYTES_MAX: usize = 256;

/// Keys of a set that are looked at.
pub const KEYS_MAX: usize = 64;

/// The sizes of an RSA modulus, in bytes, that are taken.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The members of a key that belong to its owner alone (RFC 7518).
const PRIVATE_MEMBERS: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// To whom what is sent is encrypted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Encryption {
    /// A key that was given.
    Key(Box<EncryptionKey>),
    /// A key of the set (RFC 7517) that the receiver publishes.
    KeySet {
        /// Where it is.
        url: Endpoint,
        /// Which key of it; the first usable one if nothing is said.
        kid: Option<String>,
    },
}

/// A receiver's public key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncryptionKey {
    /// Its name among the receiver's keys.
    pub kid: Option<String>,
    /// How the content's key gets to the receiver.
    pub algorithm: KeyAlgorithm,
    /// The key itself.
    pub public: PublicKey,
    jwk: Map<String, Value>,
}

/// How the content's key gets to the receiver (`alg`, RFC 7518).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyAlgorithm {
    /// `RSA-OAEP-256`
    RsaOaep256,
    /// `ECDH-ES`
    EcdhEs,
    /// `ECDH-ES+A256KW`
    EcdhEsA256Kw,
}

/// The numbers of a public key, big-endian.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicKey {
    /// RSA.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// A point of the curve P-256.
    P256 {
        /// Its first coordinate.
        x: [u8; 32],
        /// Its second coordinate.
        y: [u8; 32],
    },
}

/// Why a JWK is not a key to encrypt to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Something that only its owner may know.
    #[error("Expected a public key; this one has the private member {0}, which nobody else should see")]
    Private(&'static str),
    /// Neither RSA nor EC.
    #[error("Expected kty RSA or EC")]
    Type,
    /// Another curve.
    #[error("Expected crv P-256")]
    Curve,
    /// Another algorithm.
    #[error("Expected alg RSA-OAEP-256 for RSA, ECDH-ES or ECDH-ES+A256KW for EC, or no alg")]
    Algorithm,
    /// For something else.
    #[error("Expected use enc, or no use")]
    Use,
    /// `kid` is not a short text.
    #[error("Expected kid to be a text of at most 256 bytes")]
    Kid,
    /// `n` or `e`.
    #[error("Expected n, an RSA modulus of 2048 to 8192 bits, and e, an odd exponent from 3 on, both in base64url")]
    Rsa,
    /// `x` or `y`.
    #[error("Expected x and y, 32 bytes each, in base64url")]
    Point,
}

impl KeyAlgorithm {
    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
        }
    }
}

impl EncryptionKey {
    /// Reads a JWK.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, JwkError> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if let Some(private) = PRIVATE_MEMBERS.iter().find(|name| jwk.contains_key(**name)) {
            return Err(JwkError::Private(private));
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= KID_BYTES_MAX => Some(kid.clone()),
            Some(_) => return Err(JwkError::Kid),
        };
        if jwk.contains_key("use") && text("use") != Some("enc") {
            return Err(JwkError::Use);
        }
        let alg = if jwk.contains_key("alg") { Some(text("alg").ok_or(JwkError::Algorithm)?) } else { None };
        let (algorithm, public) = match text("kty") {
            Some("RSA") => (rsa_algorithm(alg)?, rsa(text("n"), text("e")).ok_or(JwkError::Rsa)?),
            Some("EC") if text("crv") != Some("P-256") => return Err(JwkError::Curve),
            Some("EC") => (ec_algorithm(alg)?, point(text("x"), text("y")).ok_or(JwkError::Point)?),
            _ => return Err(JwkError::Type),
        };
        Ok(Self { kid, algorithm, public, jwk: jwk.clone() })
    }

    /// The JWK as it was given.
    pub const fn jwk(&self) -> &Map<String, Value> {
        &self.jwk
    }

    /// The key of a set that is meant: the first usable one, or the one of that name.
    pub fn choose(set: &Value, kid: Option<&str>) -> Option<Self> {
        let keys = set.get("keys")?.as_array()?.iter().take(KEYS_MAX);
        let usable = keys.filter_map(Value::as_object).filter_map(|jwk| Self::from_jwk(jwk).ok());
        usable.into_iter().find(|key| kid.is_none() || key.kid.as_deref() == kid)
    }
}

const fn rsa_algorithm(alg: Option<&str>) -> Result<KeyAlgorithm, JwkError> {
    match alg {
        None => Ok(KeyAlgorithm::RsaOaep256),
        Some(name) if matches!(name.as_bytes(), b"RSA-OAEP-256") => Ok(KeyAlgorithm::RsaOaep256),
        Some(_) => Err(JwkError::Algorithm),
    }
}

const fn ec_algorithm(alg: Option<&str>) -> Result<KeyAlgorithm, JwkError> {
    match alg {
        None => Ok(KeyAlgorithm::EcdhEsA256Kw),
        Some(name) => match name.as_bytes() {
            b"ECDH-ES" => Ok(KeyAlgorithm::EcdhEs),
            b"ECDH-ES+A256KW" => Ok(KeyAlgorithm::EcdhEsA256Kw),
            _ => Err(JwkError::Algorithm),
        },
    }
}

fn rsa(n: Option<&str>, e: Option<&str>) -> Option<PublicKey> {
    let number = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec())
    };
    let (n, e) = (number(n?)?, number(e?)?);
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let usable = MODULUS_BYTES.contains(&n.len()) && odd(&n) && odd(&e) && e.len() <= 8 && e != [1];
    usable.then_some(PublicKey::Rsa { n, e })
}

fn point(x: Option<&str>, y: Option<&str>) -> Option<PublicKey> {
    let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
    Some(PublicKey::P256 { x: coordinate(x?)?, y: coordinate(y?)? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ec(more: &Value) -> Value {
        let mut jwk = json!({
            "kty": "EC", "crv": "P-256", "kid": "one",
            "x": URL_SAFE_NO_PAD.encode([1; 32]), "y": URL_SAFE_NO_PAD.encode([2; 32]),
        });
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    fn rsa(bytes: usize, e: &[u8]) -> Value {
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(vec![0xff; bytes]), "e": URL_SAFE_NO_PAD.encode(e)})
    }

    fn read(jwk: &Value) -> Result<EncryptionKey, JwkError> {
        EncryptionKey::from_jwk(jwk.as_object().unwrap())
    }

    #[test]
    fn the_algorithm_follows_from_the_key_or_is_said() {
        assert_eq!(read(&rsa(256, &[1, 0, 1])).unwrap().algorithm, KeyAlgorithm::RsaOaep256);
        assert_eq!(read(&ec(&json!({}))).unwrap().algorithm, KeyAlgorithm::EcdhEsA256Kw);
        let direct = read(&ec(&json!({"alg": "ECDH-ES", "use": "enc", "key_ops": []}))).unwrap();
        assert_eq!(direct.algorithm, KeyAlgorithm::EcdhEs);
        assert_eq!(direct.kid.as_deref(), Some("one"));
        assert_eq!(direct.jwk()["crv"], "P-256");
    }

    #[test]
    fn other_keys_are_refused_with_the_reason() {
        for (jwk, error) in [
            (json!({"kty": "oct", "k": "AAAA"}), JwkError::Private("k")),
            (ec(&json!({"d": "AAAA"})), JwkError::Private("d")),
            (json!({"kty": "OKP", "crv": "X25519", "x": "AAAA"}), JwkError::Type),
            (json!({}), JwkError::Type),
            (ec(&json!({"crv": "P-384"})), JwkError::Curve),
            (ec(&json!({"alg": "RSA-OAEP-256"})), JwkError::Algorithm),
            (ec(&json!({"alg": 7})), JwkError::Algorithm),
            (ec(&json!({"use": "sig"})), JwkError::Use),
            (ec(&json!({"kid": 7})), JwkError::Kid),
            (ec(&json!({"x": "AAAA"})), JwkError::Point),
            (ec(&json!({"y": "not base64url"})), JwkError::Point),
            (rsa(128, &[1, 0, 1]), JwkError::Rsa),
            (rsa(2048, &[1, 0, 1]), JwkError::Rsa),
            (rsa(256, &[1]), JwkError::Rsa),
            (rsa(256, &[2]), JwkError::Rsa),
            (rsa(256, &[]), JwkError::Rsa),
        ] {
            assert_eq!(read(&jwk), Err(error), "{jwk}");
        }
    }

    #[test]
    fn of_a_set_the_first_usable_key_or_the_one_named() {
        let set = json!({"keys": [
            ec(&json!({"kid": "signing", "use": "sig"})),
            "no key at all",
            ec(&json!({"kid": "new"})),
            ec(&json!({"kid": "old"})),
        ]});
        let chosen = |kid| EncryptionKey::choose(&set, kid).and_then(|key| key.kid);
        assert_eq!(chosen(None).as_deref(), Some("new"));
        assert_eq!(chosen(Some("old")).as_deref(), Some("old"));
        assert_eq!(chosen(Some("signing")), None);
        assert_eq!(EncryptionKey::choose(&json!({"keys": []}), None), None);
        assert_eq!(EncryptionKey::choose(&json!([]), None), None);
    }
}
