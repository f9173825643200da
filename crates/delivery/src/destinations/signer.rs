//! Signatures of the Standard Webhooks specification: what is sent, by whom, and when, under prepared keys.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::clock::Timestamp;
use domain::ids::EventId;
use domain::signing::Signing;
use hyper::header::{HeaderName, HeaderValue};

use crate::outbound::Stamp;

pub(super) const ID: HeaderName = HeaderName::from_static("webhook-id");
pub(super) const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// A stream's keys. Each signs, so that a receiver may know any of them.
pub(super) enum Signer {
    /// `v1`
    HmacSha256(Vec<hmac::Key>),
    /// `v1a`
    Ed25519(Vec<Ed25519KeyPair>),
}

impl Signer {
    pub(super) fn new(signing: &Signing) -> Self {
        match signing {
            Signing::HmacSha256(secrets) => Self::HmacSha256(
                secrets.iter().map(|secret| hmac::Key::new(hmac::HMAC_SHA256, &secret.bytes())).collect(),
            ),
            Signing::Ed25519(keys) => {
                let pair = |seed: [u8; 32]| Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes are a seed");
                Self::Ed25519(keys.iter().map(|key| pair(key.seed())).collect())
            }
        }
    }

    /// The headers of an attempt at `at` to send `body`.
    pub(super) fn sign(&self, event: EventId, at: Timestamp, body: &[Bytes; 2]) -> [Stamp; 3] {
        let (id, timestamp) = (event.to_string(), at.as_secs().to_string());
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &body[0], &body[1]];
        let signatures: Vec<String> = match self {
            Self::HmacSha256(keys) => {
                keys.iter().map(|key| format!("v1,{}", STANDARD.encode(hmac_of(key, &signed)))).collect()
            }
            Self::Ed25519(pairs) => {
                let whole = signed.concat();
                pairs.iter().map(|pair| format!("v1a,{}", STANDARD.encode(pair.sign(&whole)))).collect()
            }
        };
        let value = |text: &str| HeaderValue::from_str(text).expect("ids, digits and base64 can be sent");
        [(ID, value(&id)), (TIMESTAMP, value(&timestamp)), (SIGNATURE, value(&signatures.join(" ")))]
    }
}

/// The parts are not put together for it.
fn hmac_of(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use domain::signing::{Ed25519Key, HmacSecret};

    use super::*;

    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn signature(signing: &Signing) -> String {
        let body = [Bytes::from_static(&BODY[..7]), Bytes::from_static(&BODY[7..])];
        let headers =
            Signer::new(signing).sign(EventId::from_number(7), Timestamp::from_millis(1_614_265_330_999), &body);
        let text = |index: usize| headers[index].1.to_str().unwrap().to_owned();
        assert_eq!((text(0), text(1)), (EventId::from_number(7).to_string(), "1614265330".to_owned()));
        text(2)
    }

    #[test]
    fn every_secret_signs_and_the_specifications_own_library_checks_each() {
        let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];
        let parsed = secrets.map(|text| HmacSecret::parse(text).unwrap()).to_vec();
        let signed = signature(&Signing::HmacSha256(parsed));
        assert_eq!(signed.split(' ').count(), 2);
        for secret in secrets {
            let webhook = standardwebhooks::Webhook::new(secret).unwrap();
            let expected = webhook.sign(&EventId::from_number(7).to_string(), 1_614_265_330, BODY).unwrap();
            assert!(signed.split(' ').any(|each| each == expected), "{signed} {expected}");
        }
    }

    #[test]
    fn an_ed25519_signature_is_that_of_its_public_key() {
        use aws_lc_rs::signature::{ED25519, KeyPair, UnparsedPublicKey};
        let derive = |seed: &[u8; 32]| {
            Ed25519KeyPair::from_seed_unchecked(seed).unwrap().public_key().as_ref().try_into().unwrap()
        };
        let key = Ed25519Key::parse(&format!("whsk_{}", STANDARD.encode([3; 32])), derive).unwrap();
        let signed = signature(&Signing::Ed25519(vec![key.clone()]));
        let signature = STANDARD.decode(signed.strip_prefix("v1a,").unwrap()).unwrap();
        let mut message = format!("{}.1614265330.", EventId::from_number(7)).into_bytes();
        message.extend_from_slice(BODY);
        let public = UnparsedPublicKey::new(&ED25519, key.public());
        public.verify(&message, &signature).unwrap();
        assert!(public.verify(b"other", &signature).is_err());
    }
}
