//! TLS towards destinations: which certificates are trusted and shown, and the names they must be for.

use std::net::IpAddr;
use std::sync::Arc;

use domain::transport::{ClientIdentity, Tls};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use url::Host;

use super::OutboundError;
use super::error::SendError;

/// Sessions that one stream keeps for resumption.
const SESSIONS_MAX: usize = 8;

/// What is said in the handshake for HTTP/2.
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Reads the root certificates of a PEM file (`HEADWATER_EXTRA_CA`).
///
/// # Errors
/// [`OutboundError::Pem`] if it is malformed or holds no certificate.
pub fn roots_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, OutboundError> {
    let roots: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| OutboundError::Pem)?;
    if roots.is_empty() { Err(OutboundError::Pem) } else { Ok(roots) }
}

/// What the connections of all streams have in common.
pub(super) struct TlsSettings {
    provider: Arc<CryptoProvider>,
    /// Trusts the public authorities and the operator's.
    usual: Arc<WebPkiServerVerifier>,
}

impl TlsSettings {
    pub(super) fn new(extra_roots: &[CertificateDer<'static>]) -> Result<Self, OutboundError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        for root in extra_roots {
            roots.add(root.clone()).map_err(OutboundError::Root)?;
        }
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        // The public authorities are never an empty set.
        let usual = usual.map_err(|error| OutboundError::Tls(rustls::Error::General(error.to_string())))?;
        Ok(Self { provider, usual })
    }

    /// A connector for one stream, with sessions of its own, so that streams share nothing. What cannot be done
    /// as the stream's owner wants it is not done in another way.
    pub(super) fn connector(&self, tls: &Tls, http2: bool) -> Result<TlsConnector, SendError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| SendError::Unsendable(format!("TLS cannot be set up: {error}")))?
            .with_webpki_verifier(self.verifier(tls)?);
        let mut config = match &tls.client {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = client_certificate(identity)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| unusable_identity(&error))?
            }
        };
        config.alpn_protocols = if http2 { vec![HTTP2.to_vec(), HTTP1.to_vec()] } else { vec![HTTP1.to_vec()] };
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn verifier(&self, tls: &Tls) -> Result<Arc<WebPkiServerVerifier>, SendError> {
        let Some(ca) = &tls.ca else { return Ok(Arc::clone(&self.usual)) };
        let unusable = |reason: &str| SendError::Unsendable(format!("the stream's ca cannot be used: {reason}"));
        let mut roots = RootCertStore::empty();
        for der in ca.ders() {
            let root = CertificateDer::from(der.to_vec());
            roots.add(root).map_err(|error| unusable(&error.to_string()))?;
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider));
        builder.build().map_err(|error| unusable(&error.to_string()))
    }
}

fn client_certificate(
    identity: &ClientIdentity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), SendError> {
    let chain = identity.certificate.ders().map(|der| CertificateDer::from(der.to_vec())).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.key.pem().expose().as_bytes())
        .map_err(|_| SendError::Unsendable("the client key cannot be read".to_owned()))?;
    Ok((chain, key))
}

fn unusable_identity(error: &rustls::Error) -> SendError {
    SendError::Unsendable(match error {
        rustls::Error::InconsistentKeys(_) => "the client key does not belong to the client certificate".to_owned(),
        rustls::Error::InvalidCertificate(_) => "the client certificate cannot be read".to_owned(),
        _ => "the client key cannot be used".to_owned(),
    })
}

/// The name that the certificate must be for; `None` if no certificate can be for it.
pub(super) fn server_name(host: &Host<&str>) -> Option<ServerName<'static>> {
    match host {
        Host::Domain(name) => ServerName::try_from((*name).to_owned()).ok(),
        Host::Ipv4(address) => Some(ServerName::from(IpAddr::V4(*address))),
        Host::Ipv6(address) => Some(ServerName::from(IpAddr::V6(*address))),
    }
}
