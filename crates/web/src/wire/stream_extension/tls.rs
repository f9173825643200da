//! `tls`: whom a stream's receiver is shown as us, and whom we trust to say who it is. The key is never answered.

use domain::certificate::{CERTIFICATES_MAX, Certificates, PEM_BYTES_MAX, PemError, PrivateKey};
use domain::clock::Timestamp;
use domain::transport::{ClientIdentity, Tls};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::Serialize;

use super::EXTENSION;
use super::given::Given;
use crate::wire::reader::{Field, Invalid, ObjectReader, Part, Text};

pub(super) const TLS: Field = Field::new("tls", "Certificates of the connections to the receiver.");
const CERTIFICATE: Text =
    Text::new("client_certificate", "What the receiver is shown when it asks who we are; PEM, the chain after it.")
        .length(1, PEM_BYTES_MAX);
const KEY: Text = Text::new("client_key", "The key of the client certificate; PEM.").secret().length(1, PEM_BYTES_MAX);
const CA: Text =
    Text::new("ca", "The only authorities that the receiver's certificate may chain to; PEM.").length(1, PEM_BYTES_MAX);

/// What is to hold; without the key, the stored one is meant.
#[derive(Clone, Debug)]
pub(super) struct GivenTls {
    client: Option<(Certificates, Option<PrivateKey>)>,
    ca: Option<Certificates>,
}

/// Reads the member, if it is there.
pub(super) fn read(extension: &mut ObjectReader) -> Result<Option<GivenTls>, Invalid> {
    let Some(mut given) = extension.object(TLS)? else { return Ok(None) };
    let certificate = read_pem(&mut given, &CERTIFICATE, Certificates::parse)?;
    let key = read_pem(&mut given, &KEY, PrivateKey::parse)?;
    let ca = read_pem(&mut given, &CA, Certificates::parse)?;
    let client = match (certificate, key) {
        (None, None) => None,
        (None, Some(_)) => return Err(given.missing_with_path(CERTIFICATE.field())),
        (Some(certificate), key) => Some((certificate, key)),
    };
    if let Some(reason) = ca.as_ref().and_then(unusable_authority) {
        return Err(given.fault_at(CA.field(), &reason));
    }
    given.finish_with_path()?;
    Ok(Some(GivenTls { client, ca }))
}

fn read_pem<T>(
    given: &mut ObjectReader,
    text: &Text,
    parse: impl Fn(&str) -> Result<T, PemError>,
) -> Result<Option<T>, Invalid> {
    let Some(pem) = given.text(text)? else { return Ok(None) };
    parse(&pem).map(Some).map_err(|error| given.fault_at(text.field(), &error.to_string()))
}

/// Lays what is given over what is stored, if certificate and key can be used at `now`.
pub(super) fn lay_over(given: Given<GivenTls>, stored: &mut Tls, now: Timestamp) -> Result<(), Invalid> {
    let GivenTls { client, ca } = match given {
        Given::Absent => return Ok(()),
        Given::Default => GivenTls { client: None, ca: None },
        Given::Value(given) => given,
    };
    let client = match client {
        None => None,
        Some((certificate, given)) => {
            let known = stored.client.as_ref().map(|identity| identity.key.clone());
            let key = given.or(known);
            let key = key.ok_or_else(|| fault(&KEY, "Missing required property: client_key"))?;
            if let Some(problem) = certificate.validity().problem(now) {
                return Err(fault(&CERTIFICATE, &format!("The certificate cannot be used: {problem}")));
            }
            check_pair(&certificate, &key)?;
            Some(ClientIdentity { certificate, key })
        }
    };
    *stored = Tls { client, ca };
    Ok(())
}

fn fault(text: &Text, reason: &str) -> Invalid {
    let place = format!("{}.{}.{}", EXTENSION.name, TLS.name, text.name());
    Invalid::new(Part::Payload, reason, &place, text.field().about)
}

/// Checks that the key can be used and belongs to the certificate.
fn check_pair(certificate: &Certificates, key: &PrivateKey) -> Result<(), Invalid> {
    let chain = certificate.ders().map(|der| CertificateDer::from(der.to_vec())).collect();
    let der = PrivateKeyDer::from_pem_slice(key.pem().expose().as_bytes())
        .map_err(|_| fault(&KEY, "The key cannot be read"))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    match CertifiedKey::from_der(chain, der, &provider) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(fault(&KEY, "The key does not belong to the client certificate"))
        }
        Err(rustls::Error::InvalidCertificate(_)) => Err(fault(&CERTIFICATE, "The certificate cannot be read")),
        Err(_) => Err(fault(&KEY, "The key cannot be used: expected an RSA, ECDSA or Ed25519 key")),
    }
}

/// Why the certificates cannot be authorities, if they cannot.
fn unusable_authority(ca: &Certificates) -> Option<String> {
    let mut roots = RootCertStore::empty();
    let mut ders = ca.ders().take(CERTIFICATES_MAX);
    let broken = ders.any(|der| roots.add(CertificateDer::from(der.to_vec())).is_err());
    broken.then(|| "A certificate cannot be used as an authority".to_owned())
}

/// Certificates as they are answered: those that anybody may see.
#[derive(Serialize)]
pub(super) struct TlsAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
}

impl TlsAnswer {
    /// The settings, if they are not the default.
    pub(super) fn of(tls: &Tls) -> Option<Self> {
        let text = |certificates: &Certificates| certificates.as_str().to_owned();
        (*tls != Tls::default()).then(|| Self {
            client_certificate: tls.client.as_ref().map(|identity| text(&identity.certificate)),
            ca: tls.ca.as_ref().map(text),
        })
    }
}
