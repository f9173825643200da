//! HTTPS with a certificate of `headwater certs`, and two tenants behind it.

use std::path::Path;
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::clients::{assert_success, is_prepared_for};
use crate::server::{CLIENT_ID, CLIENT_SECRET, binary, free_port, output_of, serve_command, variable};

const ACME: &str = "acme.example";

struct Https {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Https {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Https {
    /// Starts a server with a second tenant, and waits until it is ready.
    fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let tls = folder.path().join("tls");
        let mut certs = binary();
        certs.arg("certs").arg("--out").arg(&tls).args(["localhost", "127.0.0.1", ACME]);
        assert_success(certs, "headwater certs");
        let config = folder.path().join("headwater.toml");
        let tenant = format!(
            "public_url = \"https://localhost:{port}\"\n[[tenants]]\nname = \"acme\"\ndomain = \"{ACME}:{port}\"\n\
             bootstrap_client_id = \"{CLIENT_ID}\"\nbootstrap_client_secret = \"{CLIENT_SECRET}\"\n"
        );
        std::fs::write(&config, tenant).unwrap();
        let mut serve = serve_command(&folder.path().join("data"), port);
        serve
            .arg("--config")
            .arg(&config)
            .env("HEADWATER_TLS_CERT", tls.join("cert.pem"))
            .env("HEADWATER_TLS_KEY", tls.join("key.pem"));
        let https = Self { child: serve.spawn().unwrap(), port, folder };
        let waiting = ["--retry", "300", "--retry-delay", "0", "--retry-max-time", "30", "--retry-connrefused"];
        https.curl("localhost", "/readyz", &waiting);
        https
    }

    fn ca(&self) -> std::path::PathBuf {
        self.folder.path().join("tls/ca.pem")
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    fn command(&self, host: &str, path: &str, arguments: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--resolve", &format!("{ACME}:{}:127.0.0.1", self.port)]).args(arguments);
        curl.arg(self.url(host, path));
        curl
    }

    /// What curl gets, trusting the authority.
    fn curl(&self, host: &str, path: &str, arguments: &[&str]) -> Value {
        let mut curl = self.command(host, path, arguments);
        curl.arg("--cacert").arg(self.ca());
        serde_json::from_str(&assert_success(curl, "curl")).unwrap()
    }

    fn token(&self, host: &str) -> String {
        let body = json!({
            "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
            "audience": self.url(host, "/api/v2/"),
        });
        let issued = self.curl(host, "/oauth/token", &["--json", &body.to_string()]);
        issued["access_token"].as_str().unwrap_or_else(|| panic!("no token in {issued}")).to_owned()
    }
}

#[test]
fn curl_trusts_the_certificate_and_finds_each_tenant_by_its_host() {
    if !is_prepared_for("CURL") {
        return;
    }
    let https = Https::start();
    for host in ["localhost", ACME] {
        let found = https.curl(host, "/.well-known/openid-configuration", &["--fail"]);
        assert_eq!(found["issuer"], https.url(host, "/"));
    }
    let distrusting = output_of(https.command("localhost", "/healthz", &[]));
    assert_eq!(distrusting.status.code(), Some(60), "nobody else trusts it");
    let other = ["--connect-to", "::127.0.0.1:"];
    let mut wrong_name = https.command("other.example", "/healthz", &other);
    wrong_name.arg("--cacert").arg(https.ca());
    assert_eq!(output_of(wrong_name).status.code(), Some(60), "it is for the names that it was made for");
    let token = https.token(ACME);
    let bearer = format!("authorization: Bearer {token}");
    assert_eq!(https.curl(ACME, "/api/v2/users", &["-H", &bearer]), json!([]));
    assert_eq!(https.curl("localhost", "/api/v2/users", &["-H", &bearer])["statusCode"], 401);
    assert_ne!(https.token("localhost"), token);
}

fn python(interpreter: &str, url: &str, ca: Option<&Path>) -> std::process::Output {
    let mut python = Command::new(interpreter);
    let program = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())";
    python.args(["-c", program, url]).env_remove("SSL_CERT_FILE");
    if let Some(ca) = ca {
        python.env("SSL_CERT_FILE", ca);
    }
    output_of(python)
}

#[test]
fn python_trusts_the_certificate_when_it_is_told_to() {
    if !is_prepared_for("PYTHON") || !is_prepared_for("CURL") {
        return;
    }
    let interpreter = variable("HEADWATER_TEST_PYTHON").unwrap();
    let https = Https::start();
    let url = https.url("localhost", "/.well-known/openid-configuration");
    let trusting = python(&interpreter, &url, Some(&https.ca()));
    let found: Value = serde_json::from_slice(&trusting.stdout).unwrap_or_else(|_| panic!("{trusting:?}"));
    assert_eq!(found["issuer"], https.url("localhost", "/"));
    let distrusting = python(&interpreter, &url, None);
    let stderr = String::from_utf8_lossy(&distrusting.stderr);
    assert!(!distrusting.status.success() && stderr.contains("CERTIFICATE_VERIFY_FAILED"), "{stderr}");
}
