//! HTTPS: the files it is served with, and a private authority that makes such files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::clock::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::TlsFiles;

const CA_FILE: &str = "ca.pem";
const CERTIFICATE_FILE: &str = "cert.pem";
const KEY_FILE: &str = "key.pem";
/// Clocks differ: a certificate is valid from a day before it was made.
const BACKDATED: Duration = Duration::from_secs(86_400);

/// The settings that HTTPS is served with.
///
/// # Errors
/// Names the file that cannot be used and what was expected.
pub(crate) fn server_config(files: &TlsFiles) -> Result<Arc<ServerConfig>> {
    let certificate = files.certificate.display();
    let chain = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.with_context(|| format!("tls_cert {certificate}: expected a PEM file of certificates"))?;
    if chain.is_empty() {
        bail!("tls_cert {certificate}: expected a PEM file of certificates, found none in it");
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("tls_key {}: expected a PEM file with a private key", files.key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder
        .context("TLS cannot be set up")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("tls_cert {certificate} and tls_key {} do not fit", files.key.display()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The files of a private authority and the server certificate that it issued.
#[derive(Clone, Debug)]
pub(crate) struct PrivateCertificates {
    folder: PathBuf,
}

impl PrivateCertificates {
    /// Those in this folder, whether they are there or not.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The authority's certificate, which clients have to trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join(CA_FILE)
    }

    /// What a server serves HTTPS with.
    pub(crate) fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.folder.join(CERTIFICATE_FILE), key: self.folder.join(KEY_FILE) }
    }

    /// The files that are there already.
    pub(crate) fn existing(&self) -> Vec<PathBuf> {
        let files = self.files();
        [self.ca(), files.certificate, files.key].into_iter().filter(|path| path.exists()).collect()
    }

    /// Makes an authority, has it issue a certificate for these names and addresses, and forgets the
    /// authority's key: nobody can issue another one that its clients would trust.
    ///
    /// # Errors
    /// If a name is not one, or the folder cannot be written.
    pub(crate) fn make(&self, names: &[String], now: Timestamp, valid_for: Duration) -> Result<()> {
        let (from, until) = (now.minus(BACKDATED), now.plus(valid_for));
        let authority_key = KeyPair::generate().context("no key could be made")?;
        let mut authority = CertificateParams::new(Vec::new()).context("the authority cannot be described")?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.distinguished_name.push(DnType::CommonName, format!("Headwater private CA {now}"));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let mut server = CertificateParams::new(names.to_vec())
            .with_context(|| format!("expected host names and IP addresses, found {}", names.join(" ")))?;
        server.distinguished_name.push(DnType::CommonName, names.first().map_or("headwater", String::as_str));
        server.use_authority_key_identifier_extension = true;
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for params in [&mut authority, &mut server] {
            params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(from);
            params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_epoch(until);
        }
        let ca = authority.self_signed(&authority_key).context("the authority cannot be made")?;
        let key = KeyPair::generate().context("no key could be made")?;
        let issuer = Issuer::new(authority, authority_key);
        let certificate = server.signed_by(&key, &issuer).context("the certificate cannot be issued")?;
        let files = self.files();
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("the folder {} cannot be made", self.folder.display()))?;
        write(&self.ca(), &ca.pem(), 0o644)?;
        write(&files.certificate, &certificate.pem(), 0o644)?;
        write(&files.key, &key.serialize_pem(), 0o600)
    }
}

fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(0))
}

/// Replaces a file whole; nobody sees the key before its mode is set.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(|_| ()).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn made(names: &[&str]) -> (tempfile::TempDir, PrivateCertificates) {
        let folder = tempfile::tempdir().unwrap();
        let certificates = PrivateCertificates::in_folder(&folder.path().join("tls"));
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        certificates.make(&names, Timestamp::from_millis(1_800_000_000_000), 30 * DAY).unwrap();
        (folder, certificates)
    }

    #[test]
    fn a_client_that_trusts_the_authority_trusts_the_certificate() {
        let (_folder, certificates) = made(&["localhost", "127.0.0.1"]);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificates.ca()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let certificate = CertificateDer::from_pem_file(certificates.files().certificate).unwrap();
        let verify = |name: &'static str, at: u64| {
            use rustls::client::danger::ServerCertVerifier;
            let name = ServerName::try_from(name).unwrap();
            let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
            verifier.verify_server_cert(&certificate, &[], &name, &[], at)
        };
        verify("localhost", 1_800_000_000).unwrap();
        verify("127.0.0.1", 1_800_000_000 + 29 * 86_400).unwrap();
        assert!(verify("example.com", 1_800_000_000).is_err());
        assert!(verify("localhost", 1_800_000_000 + 31 * 86_400).is_err());
    }

    #[test]
    fn a_server_can_serve_with_the_files_and_only_the_owner_reads_the_key() {
        let (_folder, certificates) = made(&["localhost"]);
        server_config(&certificates.files()).unwrap();
        let mode = std::fs::metadata(certificates.files().key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(certificates.existing().len(), 3);
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let (folder, certificates) = made(&["localhost"]);
        let files = certificates.files();
        let error = |certificate: &Path, key: &Path| {
            let files = TlsFiles { certificate: certificate.to_owned(), key: key.to_owned() };
            format!("{:#}", server_config(&files).unwrap_err())
        };
        let nothing = folder.path().join("nothing.pem");
        assert!(error(&nothing, &files.key).starts_with("tls_cert "));
        assert!(error(&files.certificate, &nothing).starts_with("tls_key "));
        assert!(error(&files.key, &files.key).contains("found none"));
        let (_other, others) = made(&["localhost"]);
        assert!(error(&files.certificate, &others.files().key).contains("do not fit"));
    }
}
