//! `headwater certs`: a private CA and a server certificate.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use domain::clock::Clock;

use crate::clock::SystemClock;
use crate::environment::Environment;
use crate::terminal::Terminal;
use crate::tls::PrivateCertificates;

/// The names by which a server on this machine is reached from it.
pub(super) const LOCAL_NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];
/// How long a certificate is valid: the longest that every client takes.
pub(super) const DAYS: u32 = 825;

/// Makes a private CA and a server certificate.
#[derive(Args)]
pub(crate) struct CertsCommand {
    /// Host names and IP addresses of the server [default: localhost 127.0.0.1 ::1].
    names: Vec<String>,
    /// The folder for ca.pem, cert.pem and key.pem; made if there is none.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// How many days they are valid.
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Replaces files that are there already.
    #[arg(long)]
    force: bool,
}

/// `days` as a duration.
pub(super) const fn days(days: u32) -> Duration {
    Duration::from_secs(days as u64 * 86_400)
}

/// What makes clients trust an authority.
pub(super) fn trust_lines(ca: &Path) -> Vec<String> {
    let ca = std::path::absolute(ca).unwrap_or_else(|_| ca.to_owned());
    ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"].map(|name| format!("export {name}={}", ca.display())).into()
}

impl CertsCommand {
    pub(super) fn run(self, environment: &Environment) -> Result<()> {
        let certificates = PrivateCertificates::in_folder(&self.out);
        let existing = certificates.existing();
        if !self.force && !existing.is_empty() {
            let shown: Vec<_> = existing.iter().map(|path| path.display().to_string()).collect();
            bail!("{} exists already; choose another folder with --out, or --force to replace", shown.join(", "));
        }
        let local = || LOCAL_NAMES.iter().map(ToString::to_string).collect();
        let names = if self.names.is_empty() { local() } else { self.names };
        certificates.make(&names, SystemClock::new().now().wall, days(self.days))?;
        let terminal = Terminal::new(environment);
        let files = certificates.files();
        terminal.line(&format!("made a private CA and a certificate for {}", names.join(", ")));
        terminal.line(&format!("  {}  what clients have to trust", certificates.ca().display()));
        terminal.line(&format!("  {}  HEADWATER_TLS_CERT", files.certificate.display()));
        terminal.line(&format!("  {}  HEADWATER_TLS_KEY", files.key.display()));
        terminal.line("clients on Node, and those on OpenSSL, Go or Python, trust it with");
        for line in trust_lines(&certificates.ca()) {
            terminal.line(&format!("  {line}"));
        }
        Ok(())
    }
}
