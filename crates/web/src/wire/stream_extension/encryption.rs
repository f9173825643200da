//! `encryption`: to whose public key the payload is encrypted.

use domain::destination::{ENDPOINT_BYTES_MAX, Endpoint};
use domain::encryption::{Encryption, EncryptionKey, KID_BYTES_MAX};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::wire::reader::{Field, Invalid, ObjectReader, Text};

pub(super) const ENCRYPTION: Field = Field::new("encryption", "To whose public key the payload is encrypted (JWE).");
const JWK: Field = Field::new("jwk", "The receiver's public key.");
const KEY_SET: Text =
    Text::new("jwks_url", "Where the receiver publishes its public keys.").length(1, ENDPOINT_BYTES_MAX);
const KID: Text =
    Text::new("kid", "Which of the published keys; the first usable one if left out.").length(1, KID_BYTES_MAX);

/// Reads the member, if it is there.
pub(super) fn read(extension: &mut ObjectReader, http_allowed: bool) -> Result<Option<Encryption>, Invalid> {
    let Some(mut given) = extension.object(ENCRYPTION)? else { return Ok(None) };
    let encryption = match (given.map(JWK)?, given.text(&KEY_SET)?) {
        (Some(jwk), None) => {
            let key = EncryptionKey::from_jwk(&jwk);
            Encryption::Key(Box::new(key.map_err(|error| given.fault_at(JWK, &error.to_string()))?))
        }
        (None, Some(url)) => {
            let url = Endpoint::parse(&url, http_allowed);
            let url = url.map_err(|error| given.fault_at(KEY_SET.field(), &error.to_string()))?;
            Encryption::KeySet { url, kid: given.text(&KID)? }
        }
        (Some(_), Some(_)) => return Err(given.fault_at(JWK, "Give jwk or jwks_url, not both")),
        (None, None) => return Err(given.missing_with_path(JWK)),
    };
    given.finish_with_path()?;
    Ok(Some(encryption))
}

/// Encryption as it is answered.
#[derive(Serialize)]
pub(super) struct EncryptionAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    jwk: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

impl EncryptionAnswer {
    pub(super) fn of(encryption: &Encryption) -> Self {
        match encryption {
            Encryption::Key(key) => Self { jwk: Some(key.jwk().clone()), jwks_url: None, kid: None },
            Encryption::KeySet { url, kid } => {
                Self { jwk: None, jwks_url: Some(url.as_str().to_owned()), kid: kid.clone() }
            }
        }
    }
}
