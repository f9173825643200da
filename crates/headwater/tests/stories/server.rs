//! A `headwater serve` process of a test's own, and calls of its API.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::receiver::PATIENCE;
use crate::record;

pub(crate) const CLIENT_ID: &str = "stories";
pub(crate) const CLIENT_SECRET: &str = "a-secret-for-the-stories-only-0123456789";

pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    // Nothing of the developer's own settings.
    for (name, _) in inherited().filter(|(name, _)| name.starts_with("HEADWATER_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    // Nor are their profiles touched.
    command.env_remove("HOME").env_remove("XDG_CONFIG_HOME");
    command
}

#[allow(clippy::disallowed_methods, reason = "tests are at the edge, where the environment is read")]
fn inherited() -> impl Iterator<Item = (String, String)> {
    std::env::vars()
}

#[allow(clippy::disallowed_methods, reason = "tests are at the edge, where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether the machine has been prepared for something by `cargo xtask test`.
pub(crate) fn is_prepared_for(name: &str) -> bool {
    let prepared = variable(&format!("HEADWATER_TEST_{name}")).is_some();
    if !prepared {
        println!("skipped: run `cargo xtask test`, which prepares the machine for it");
    }
    prepared
}

/// Ports that no connection is given by itself: those that the system gives out begin above.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port that is free, and that no other story is given.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let ports = PORTS.end - PORTS.start;
    // Two runs at once begin at different places.
    let begin = u16::try_from(std::process::id() % u32::from(ports)).expect("it is below a number of ports");
    let port = || PORTS.start + (begin + TAKEN.fetch_add(1, Ordering::Relaxed) % ports) % ports;
    std::iter::repeat_with(port).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("one is free")
}

/// `headwater serve` with a data folder and a port, not yet started.
pub(crate) fn serve_command(folder: &Path, port: u16) -> Command {
    let mut command = binary();
    command
        .arg("serve")
        .env("HEADWATER_LISTEN", format!("127.0.0.1:{port}"))
        .env("HEADWATER_DATA_DIR", folder)
        .env("HEADWATER_ALLOW_DESTINATIONS", "127.0.0.0/8")
        .env("HEADWATER_ALLOW_HTTP", "true")
        .env("HEADWATER_BOOTSTRAP_CLIENT_ID", CLIENT_ID)
        .env("HEADWATER_BOOTSTRAP_CLIENT_SECRET", CLIENT_SECRET)
        .stdin(Stdio::null());
    command
}

/// Waits until somebody listens on a port of this machine.
#[allow(clippy::disallowed_methods, reason = "a story reaches the server that it has started")]
pub(crate) fn wait_for_port(port: u16) {
    let pause = Duration::from_millis(10);
    for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        std::thread::sleep(pause);
    }
    panic!("nobody listens on port {port}");
}

/// Runs a command that should end by itself.
pub(crate) fn output_of(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) folder: Arc<tempfile::TempDir>,
    http: reqwest::Client,
    token: Option<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap())).await
    }

    pub(crate) async fn start_in(folder: Arc<tempfile::TempDir>) -> Self {
        Self::start_with(folder, &[]).await
    }

    /// Starts it with settings beside those that every story has: variables and values.
    pub(crate) async fn start_with(folder: Arc<tempfile::TempDir>, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut command = serve_command(folder.path(), port);
        command.envs(settings.iter().copied());
        Self::started(command.spawn().unwrap(), format!("http://127.0.0.1:{port}"), folder).await
    }

    pub(crate) async fn started(child: Child, url: String, folder: Arc<tempfile::TempDir>) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        let mut server = Self { child, url, folder, http, token: None };
        server.wait_until_ready().await;
        server.token = Some(server.fetch_token().await);
        server
    }

    async fn wait_until_ready(&mut self) {
        let ready = async {
            loop {
                let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                if let Some(status) = self.child.try_wait().unwrap() {
                    panic!("the server ended with {status} before it was ready");
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("the server becomes ready");
    }

    async fn fetch_token(&self) -> String {
        let body = json!({
            "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
            "audience": format!("{}/api/v2/", self.url),
        });
        let answer = self.http.post(format!("{}/oauth/token", self.url)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("no token in {answer}")).to_owned()
    }

    /// Gets another token, where the old one has expired.
    pub(crate) async fn renew_token(&mut self) {
        self.token = Some(self.fetch_token().await);
    }

    /// The access token of the application that it was started with.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Calls the Management API; `None` if the server went away meanwhile.
    pub(crate) async fn try_call(&self, method: &str, path: &str, body: Option<Value>) -> Option<(u16, Value)> {
        let url = format!("{}/api/v2/{path}", self.url);
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(self.token());
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let asked = path.split('?').next().unwrap_or(path);
        record::note(&["answer", method, &format!("/api/v2/{asked}"), &status.to_string()]);
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.try_call(method, path, body).await.expect("the server answers")
    }

    pub(crate) async fn create_stream(&self, endpoint: &str, types: &[&str]) -> String {
        let subscriptions: Vec<Value> = types.iter().map(|name| json!({"event_type": name})).collect();
        let authorization = json!({"method": "bearer", "token": "receiver-token"});
        let configuration = json!({"webhook_endpoint": endpoint, "webhook_authorization": authorization});
        let body = json!({
            "subscriptions": subscriptions,
            "destination": {"type": "webhook", "configuration": configuration},
        });
        let (status, stream) = self.call("POST", "event-streams", Some(body)).await;
        assert_eq!(status, 201, "{stream}");
        stream["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn user_body(name: &str) -> Value {
        json!({
            "connection": "Username-Password-Authentication", "email": format!("{name}@example.com"),
            "password": "correct horse battery staple",
        })
    }

    pub(crate) async fn create_user(&self, name: &str) -> Value {
        let (status, user) = self.call("POST", "users", Some(Self::user_body(name))).await;
        assert_eq!(status, 201, "{user}");
        user
    }

    /// Waits until the API shows what `check` wants.
    pub(crate) async fn until(&self, path: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let (_, answer) = self.call("GET", path, None).await;
                if check(&answer) {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
    }

    /// Its number at the operating system.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits until it takes no more requests.
    pub(crate) async fn until_draining(&self) {
        let draining = async {
            while self
                .http
                .get(format!("{}/readyz", self.url))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, draining).await.expect("the server stops taking requests");
    }

    /// Kills it as a crash would, and waits until it is gone.
    pub(crate) fn crash(mut self) -> Arc<tempfile::TempDir> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        Arc::clone(&self.folder)
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("the server ends")
    }
}

/// The folder of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
