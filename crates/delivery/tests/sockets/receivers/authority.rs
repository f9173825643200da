//! A private authority, and receivers with certificates of it.

use std::sync::Arc;

use delivery::outbound::{OutboundSettings, roots_from_pem};
use domain::certificate::{Certificates, PrivateKey};
use domain::transport::ClientIdentity;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::fixture::{AMPLE, Receiver, settings};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The time at which clients' certificates are made is that of the tests' clock.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn certificates(&self) -> Certificates {
        Certificates::parse(&self.0.pem()).unwrap()
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        roots_from_pem(self.0.pem().as_bytes()).unwrap().remove(0)
    }

    /// A certificate for a client, valid in the years from `from` up to `until`, with its key.
    pub(crate) fn client(&self, (from, until): (i32, i32)) -> ClientIdentity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["headwater.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        ClientIdentity {
            certificate: Certificates::parse(&certificate.pem()).unwrap(),
            key: PrivateKey::parse(&key.serialize_pem()).unwrap(),
        }
    }

    /// What accepts connections as `name`. With `clients`, only of those who show a certificate of that authority.
    pub(crate) fn acceptor(&self, name: &str, alpn: &[&str], clients: Option<&Self>) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.root()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A receiver that answers every request.
    pub(crate) async fn receiver(&self, name: &str) -> Receiver {
        self.receiver_behind(self.acceptor(name, &[], None)).await
    }

    pub(crate) async fn receiver_behind(&self, acceptor: TlsAcceptor) -> Receiver {
        Receiver::start_with(Some(acceptor), |mut conversation| async move {
            while conversation.request().await.is_some() && conversation.write(OK).await {}
        })
        .await
    }

    /// Settings of an operator who trusts it.
    pub(crate) fn trusted(&self) -> OutboundSettings {
        OutboundSettings { extra_roots: vec![self.root()], ..settings(AMPLE) }
    }
}
