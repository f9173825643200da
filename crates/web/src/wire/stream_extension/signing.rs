//! `signing`: the algorithm, and the secrets, which are shown once where the server makes one. Public keys are no
//! secrets, and are always answered.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use domain::clock::Entropy;
use domain::secret::Secret;
use domain::signing::{
    ED25519_BYTES, Ed25519Key, HmacSecret, SIGNING_SECRETS_MAX, Signing, SigningAlgorithm, SigningSecretError,
};
use serde::Serialize;

use super::given::Given;
use crate::wire::reader::{Field, Invalid, ObjectReader, Text};

pub(super) const SIGNING: Field = Field::new("signing", "How requests are signed, as Standard Webhooks says.");
const ALGORITHM: Field = Field::new("algorithm", "How it is signed: hmac-sha256 or ed25519.");
const SECRETS: Text =
    Text::new("secrets", "What is signed with, whsec_… or whsk_…; each signs; left out, the server makes one.")
        .secret();
const PUBLIC_KEYS: Field = Field::new("public_keys", "The public keys; not to be set.");

/// How it is to be signed; without secrets, those that are stored are meant, or a new one.
#[derive(Clone, Debug)]
pub(super) struct GivenSigning {
    algorithm: SigningAlgorithm,
    signing: Option<Signing>,
}

/// Reads the member, if it is there.
pub(super) fn read(extension: &mut ObjectReader) -> Result<Option<GivenSigning>, Invalid> {
    let Some(mut given) = extension.object(SIGNING)? else { return Ok(None) };
    let algorithm = given.word(ALGORITHM, SigningAlgorithm::from_name)?;
    let algorithm = algorithm.ok_or_else(|| given.missing_with_path(ALGORITHM))?;
    let texts = given.texts(&SECRETS)?;
    // What the server answers may be given back.
    let _ = given.value(PUBLIC_KEYS);
    let signing = texts.map(|texts| read_secrets(&given, algorithm, &texts)).transpose()?;
    given.finish_with_path()?;
    Ok(Some(GivenSigning { algorithm, signing }))
}

fn read_secrets(given: &ObjectReader, algorithm: SigningAlgorithm, texts: &[String]) -> Result<Signing, Invalid> {
    let field = SECRETS.field();
    match texts.len() {
        0 => return Err(given.fault_at(field, "Array is too short (0), minimum 1; leave it out to have one made")),
        count if count > SIGNING_SECRETS_MAX => {
            return Err(given.fault_at(field, &format!("Array is too long ({count}), maximum {SIGNING_SECRETS_MAX}")));
        }
        _ => {}
    }
    let fault =
        |(index, error): (usize, SigningSecretError)| given.fault_within(field, &index.to_string(), &error.to_string());
    let each = texts.iter().enumerate();
    match algorithm {
        SigningAlgorithm::HmacSha256 => each
            .map(|(index, text)| HmacSecret::parse(text).map_err(|error| (index, error)))
            .collect::<Result<_, _>>()
            .map(Signing::HmacSha256),
        SigningAlgorithm::Ed25519 => each
            .map(|(index, text)| Ed25519Key::parse(text, public_key).map_err(|error| (index, error)))
            .collect::<Result<_, _>>()
            .map(Signing::Ed25519),
    }
    .map_err(fault)
}

/// The public key of a seed.
fn public_key(seed: &[u8; ED25519_BYTES]) -> [u8; ED25519_BYTES] {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed");
    pair.public_key().as_ref().try_into().expect("a public key of this curve has 32 bytes")
}

/// Lays what is given over what is stored; answers the secret that was made because there was none.
pub(super) fn lay_over(
    given: Given<Option<GivenSigning>>,
    stored: &mut Option<Signing>,
    entropy: &dyn Entropy,
) -> Option<Secret> {
    match given {
        Given::Absent => None,
        Given::Default | Given::Value(None) => {
            *stored = None;
            None
        }
        Given::Value(Some(GivenSigning { signing: Some(signing), .. })) => {
            *stored = Some(signing);
            None
        }
        Given::Value(Some(GivenSigning { algorithm, signing: None })) => {
            if stored.as_ref().is_some_and(|stored| stored.algorithm() == algorithm) {
                return None;
            }
            let (signing, made) = make(algorithm, entropy);
            *stored = Some(signing);
            Some(made)
        }
    }
}

fn make(algorithm: SigningAlgorithm, entropy: &dyn Entropy) -> (Signing, Secret) {
    match algorithm {
        SigningAlgorithm::HmacSha256 => {
            let secret = HmacSecret::generate(entropy);
            let made = secret.text().clone();
            (Signing::HmacSha256(vec![secret]), made)
        }
        SigningAlgorithm::Ed25519 => {
            let key = Ed25519Key::generate(entropy, public_key);
            let made = key.text().clone();
            (Signing::Ed25519(vec![key]), made)
        }
    }
}

/// How it is signed, as it is answered.
#[derive(Serialize)]
pub(super) struct SigningAnswer {
    algorithm: &'static str,
    /// Only what was made just now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    public_keys: Vec<String>,
}

impl SigningAnswer {
    pub(super) fn of(signing: &Signing) -> Self {
        let public_keys = match signing {
            Signing::HmacSha256(_) => Vec::new(),
            Signing::Ed25519(keys) => keys.iter().map(Ed25519Key::public_text).collect(),
        };
        Self { algorithm: signing.algorithm().name(), secrets: Vec::new(), public_keys }
    }

    pub(super) fn show_made(&mut self, made: &Secret) {
        self.secrets = vec![made.expose().to_owned()];
    }
}
