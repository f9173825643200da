//! A server over HTTPS, with a certificate of `headwater certs`.

use std::path::PathBuf;
use std::process::Child;

use super::assert_success;
use crate::server::{binary, free_port, serve_command};

/// A server on `https://localhost`, and what a client needs to trust it.
pub(super) struct SecureServer {
    process: Child,
    pub(super) domain: String,
    pub(super) authority: PathBuf,
    _folder: tempfile::TempDir,
}

impl Drop for SecureServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl SecureServer {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tls = folder.path().join("tls");
        let mut certs = binary();
        certs.arg("certs").arg("--out").arg(&tls).args(["localhost", "127.0.0.1"]);
        assert_success(certs, "headwater certs");
        let port = free_port();
        let domain = format!("localhost:{port}");
        let mut serve = serve_command(&folder.path().join("data"), port);
        serve
            .env("HEADWATER_PUBLIC_URL", format!("https://{domain}"))
            .env("HEADWATER_TLS_CERT", tls.join("cert.pem"))
            .env("HEADWATER_TLS_KEY", tls.join("key.pem"));
        let server = Self { process: serve.spawn().unwrap(), domain, authority: tls.join("ca.pem"), _folder: folder };
        crate::server::wait_for_port(port);
        server
    }
}
