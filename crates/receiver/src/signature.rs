//! Signatures of the Standard Webhooks specification, as a receiver checks them.

use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::clock::Timestamp;
use domain::signing::{ED25519_BYTES, HmacSecret};
use http::header::{HeaderMap, HeaderName};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// By how much the time of a signature may be off, so that a recorded request cannot be played again later.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

const PUBLIC: &str = "whpk_";

/// What a signature is of.
fn signed(id: &str, seconds: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat()
}

/// What signatures are checked with.
#[derive(Debug, Clone)]
pub enum VerificationKey {
    /// `whsec_`: the sender's own secret.
    Hmac(Box<hmac::Key>),
    /// `whpk_`: the sender's public key.
    Ed25519([u8; ED25519_BYTES]),
}

impl VerificationKey {
    /// Reads `whsec_…` or `whpk_…`.
    ///
    /// # Errors
    /// What was expected; what was given is not repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(encoded) = text.strip_prefix(PUBLIC) {
            let bytes = STANDARD.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok());
            return bytes.map(Self::Ed25519).ok_or_else(|| "expected whpk_ and the base64 of 32 bytes".into());
        }
        let secret = HmacSecret::parse(text)
            .map_err(|_| "expected whsec_ and the base64 of 24 to 64 bytes, or whpk_ and that of 32".to_owned())?;
        Ok(Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &secret.bytes()))))
    }

    /// Whether one of the signatures (`v1,…` or `v1a,…`) is this key's.
    fn verifies(&self, signatures: &str, message: &[u8]) -> bool {
        let given = signatures.split(' ').filter_map(|each| each.split_once(','));
        given
            .filter(|(version, _)| *version == self.version())
            .filter_map(|(_, encoded)| STANDARD.decode(encoded).ok())
            .any(|signature| self.is_of(&signature, message))
    }

    /// How the kind of signature is marked.
    fn version(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "v1",
            Self::Ed25519(_) => "v1a",
        }
    }

    /// Whether the signature is this key's, of the message.
    fn is_of(&self, signature: &[u8], message: &[u8]) -> bool {
        match self {
            Self::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
        }
    }
}

/// Checks that one of the keys has signed the request, and lately.
///
/// # Errors
/// What is wrong, in words for the sender.
pub(crate) fn verify(
    keys: &[VerificationKey],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), &'static str> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(seconds), Some(signatures)) = (text(&ID), text(&TIMESTAMP), text(&SIGNATURE)) else {
        return Err("expected the headers webhook-id, webhook-timestamp and webhook-signature");
    };
    let at = seconds.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1000)).map(Timestamp::from_millis);
    let at = at.ok_or("webhook-timestamp: expected seconds since 1970")?;
    if at.since(now).max(now.since(at)) > TOLERANCE {
        return Err("webhook-timestamp is more than five minutes off");
    }
    let message = signed(id, seconds, body);
    if keys.iter().any(|key| key.verifies(signatures, &message)) { Ok(()) } else { Err("the signature is not right") }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SECONDS: i64 = 1_614_265_330;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn signed_by_the_library() -> HeaderMap {
        let signature = standardwebhooks::Webhook::new(SECRET).unwrap().sign("evt_1", SECONDS, BODY).unwrap();
        let pairs = [(ID, "evt_1"), (TIMESTAMP, "1614265330"), (SIGNATURE, &signature)];
        pairs.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect()
    }

    fn keys(texts: &[&str]) -> Vec<VerificationKey> {
        texts.iter().map(|text| VerificationKey::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_signature_is_taken_only_as_it_was_made_and_only_for_a_while() {
        let headers = signed_by_the_library();
        let check =
            |keys: &[VerificationKey], headers: &HeaderMap, body: &[u8], now| verify(keys, headers, body, at(now));
        assert_eq!(check(&keys(&[OTHER, SECRET]), &headers, BODY, SECONDS + 300), Ok(()));
        assert_eq!(check(&keys(&[SECRET]), &headers, BODY, SECONDS - 300), Ok(()));
        assert!(check(&keys(&[SECRET]), &headers, BODY, SECONDS + 301).is_err());
        assert!(check(&keys(&[SECRET]), &headers, BODY, SECONDS - 301).is_err());
        assert!(check(&keys(&[OTHER]), &headers, BODY, SECONDS).is_err());
        assert!(check(&keys(&[SECRET]), &headers, b"{}", SECONDS).is_err());
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut changed = headers.clone();
            changed.insert(name, "1614265331".parse().unwrap());
            assert!(check(&keys(&[SECRET]), &changed, BODY, SECONDS).is_err(), "{name}");
            changed.remove(name);
            assert!(check(&keys(&[SECRET]), &changed, BODY, SECONDS).unwrap_err().contains("expected"), "{name}");
        }
        let mut several = headers.clone();
        let both = format!("v1,AAAA v2,x junk {}", headers["webhook-signature"].to_str().unwrap());
        several.insert("webhook-signature", both.parse().unwrap());
        assert_eq!(check(&keys(&[SECRET]), &several, BODY, SECONDS), Ok(()));
    }

    #[test]
    fn a_public_key_checks_what_its_private_one_signed() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
        let signature = pair.sign(&signed("evt_1", "1614265330", BODY));
        let mut headers = signed_by_the_library();
        headers.insert("webhook-signature", format!("v1a,{}", STANDARD.encode(signature)).parse().unwrap());
        let public = format!("whpk_{}", STANDARD.encode(pair.public_key()));
        assert_eq!(verify(&keys(&[&public]), &headers, BODY, at(SECONDS)), Ok(()));
        assert!(verify(&keys(&[&public]), &headers, b"other", at(SECONDS)).is_err());
        assert!(verify(&keys(&[&public]), &signed_by_the_library(), BODY, at(SECONDS)).is_err());
    }

    #[test]
    fn keys_that_are_none() {
        for text in ["", "secret", "whsec_AAAA", "whpk_AAAA", "whpk_%"] {
            assert!(VerificationKey::parse(text).unwrap_err().contains("base64"), "{text}");
        }
    }
}
