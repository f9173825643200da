//! The keys that tokens are signed and checked with. The newest signs; all of them check, so that a token
//! outlives a rotation.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::clock::{Entropy, Timestamp};
use domain::ids::{ClientId, random_text};
use domain::secret::Secret;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use store::SigningKey;

use crate::error::AuthenticationError;
use crate::principal::{Caller, Principal};
use crate::settings::PublicUrl;

const KEY_ID_CHARS: usize = 21;

/// Why a signing key cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("there is no signing key in the store")]
    None,
    /// It is not an RSA key.
    #[error("the signing key {0} in the store is not a readable RSA key")]
    Unreadable(String),
    /// None could be made.
    #[error("generating an RSA key failed")]
    Generate,
}

/// Makes a signing key: RSA, 2048 bits.
pub(crate) fn generate_key(now: Timestamp, entropy: &dyn Entropy) -> Result<SigningKey, KeyError> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
    let pkcs8 = pair.as_der().map_err(|_| KeyError::Generate)?;
    Ok(SigningKey {
        key_id: random_text(entropy, KEY_ID_CHARS),
        private_key: Secret::new(STANDARD.encode(pkcs8.as_ref())),
        created_at: now,
        retires_at: None,
    })
}

struct Key {
    pair: RsaKeyPair,
    decoding: DecodingKey,
    public: PublicKey,
}

/// A key as `jwks.json` lists it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PublicKey {
    kty: &'static str,
    r#use: &'static str,
    alg: &'static str,
    kid: String,
    n: String,
    e: String,
}

/// What is said in a token (management-api.md 2.2).
#[derive(Serialize)]
pub(crate) struct Claims<'a> {
    pub iss: &'a str,
    pub sub: String,
    pub aud: &'a str,
    pub iat: i64,
    pub exp: i64,
    pub scope: &'a str,
    pub gty: &'static str,
    pub azp: &'a str,
}

/// What is read of a token; issuer and audience are checked on the way.
#[derive(Deserialize)]
struct CheckedClaims {
    azp: String,
    exp: i64,
    #[serde(default)]
    scope: String,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// A token that says `claims`, signed with a secret that whoever checks it has too (HS256).
pub(crate) fn sign_shared(claims: &Claims<'_>, secret: &Secret) -> String {
    let mut token = encode_part(&Header { alg: "HS256", typ: "JWT", kid: None });
    token.push('.');
    token.push_str(&encode_part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signature = hmac::sign(&key, token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
    token
}

/// Signs and checks tokens.
pub(crate) struct Keys {
    /// Newest first, at least one.
    keys: Vec<Key>,
    validation: Validation,
}

impl Key {
    fn read(stored: &SigningKey) -> Option<Self> {
        let pkcs8 = STANDARD.decode(stored.private_key.expose()).ok()?;
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).ok()?;
        let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
        let exponent = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
        let public = PublicKey {
            kty: "RSA",
            r#use: "sig",
            alg: "RS256",
            kid: stored.key_id.clone(),
            n: URL_SAFE_NO_PAD.encode(&modulus),
            e: URL_SAFE_NO_PAD.encode(&exponent),
        };
        Some(Self { pair, decoding: DecodingKey::from_rsa_raw_components(&modulus, &exponent), public })
    }
}

impl Keys {
    /// Reads the stored keys, newest first.
    pub(crate) fn load(stored: &[SigningKey], public_url: &PublicUrl) -> Result<Self, KeyError> {
        let read = |stored: &SigningKey| Key::read(stored).ok_or_else(|| KeyError::Unreadable(stored.key_id.clone()));
        let keys = stored.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[public_url.issuer()]);
        validation.set_audience(&[public_url.audience()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Our own clock decides, on every call.
        validation.validate_exp = false;
        Ok(Self { keys, validation })
    }

    /// A token that says `claims`. Signed with the prepared key: reading it for each token would cost more
    /// than the signature.
    pub(crate) fn sign(&self, claims: &Claims<'_>) -> String {
        let key = self.keys.first().expect("there is at least one key");
        let header = Header { alg: "RS256", typ: "JWT", kid: Some(&key.public.kid) };
        let mut token = encode_part(&header);
        token.push('.');
        token.push_str(&encode_part(claims));
        let mut signature = vec![0; key.pair.public_modulus_len()];
        key.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .expect("a key of 2048 bits or more can sign a SHA-256 digest");
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        token
    }

    /// Who a token speaks for, if it is ours; whether it has expired is for the caller to see.
    pub(crate) fn check(&self, token: &[u8]) -> Result<Principal, AuthenticationError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| AuthenticationError::Invalid)?;
        let known = self.keys.iter().find(|key| Some(&key.public.kid) == header.kid.as_ref());
        let key = known.ok_or(AuthenticationError::Signature)?;
        let decoded = jsonwebtoken::decode::<CheckedClaims>(token, &key.decoding, &self.validation);
        let claims = match decoded {
            Ok(decoded) => decoded.claims,
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => {
                return Err(AuthenticationError::Signature);
            }
            Err(_) => return Err(AuthenticationError::Invalid),
        };
        Ok(Principal {
            caller: Caller::Application(ClientId::from_text(claims.azp)),
            scopes: claims.scope.split_ascii_whitespace().map(Into::into).collect(),
            expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
        })
    }

    /// The public halves.
    pub(crate) fn public(&self) -> Vec<&PublicKey> {
        self.keys.iter().map(|key| &key.public).collect()
    }
}

fn encode_part<T: Serialize>(part: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).expect("headers and claims are plain data"))
}
