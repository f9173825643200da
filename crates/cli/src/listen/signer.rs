//! Signatures of the Standard Webhooks specification, as a stream with `signing` makes them.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::clock::Timestamp;
use domain::signing::HmacSecret;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Signs what is sent.
#[derive(Debug)]
pub(super) struct Signer(hmac::Key);

impl Signer {
    /// Signs with this secret.
    pub(super) fn new(secret: &HmacSecret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret.bytes()))
    }

    /// Adds the headers of an attempt at `at` to send `body`.
    pub(super) fn sign(&self, headers: &mut HeaderMap, id: &str, at: Timestamp, body: &[u8]) {
        let seconds = at.as_secs().to_string();
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
            context.update(part);
        }
        let signature = format!("v1,{}", STANDARD.encode(context.sign()));
        for (name, text) in [(ID, id), (TIMESTAMP, seconds.as_str()), (SIGNATURE, signature.as_str())] {
            // An id that cannot be sent is none of the server's; the receiver refuses what lacks it.
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_specifications_own_library_does() {
        let (secret, body) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", br#"{"test": 2432232314}"#);
        let expected = standardwebhooks::Webhook::new(secret).unwrap().sign("evt_1", 1_614_265_330, body).unwrap();
        let mut headers = HeaderMap::new();
        let at = Timestamp::from_millis(1_614_265_330_999);
        Signer::new(&HmacSecret::parse(secret).unwrap()).sign(&mut headers, "evt_1", at, body);
        assert_eq!(headers["webhook-signature"], expected.as_str());
        assert_eq!(headers["webhook-id"], "evt_1");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
    }
}
