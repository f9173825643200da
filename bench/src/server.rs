//! The server that is measured: the real binary with a data folder of its own, and its public API.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::bodies::Kind;
use crate::clock::now_ns;
use crate::connection::{Answer, Connection};
use crate::load::Target;

const CLIENT_ID: &str = "bench";
const CLIENT_SECRET: &str = "a-secret-for-the-benchmark-only-0123456789";
/// How long a start may take.
const START_MAX: Duration = Duration::from_secs(60);
/// How long an orderly stop may take.
const STOP_MAX: Duration = Duration::from_secs(60);
/// How often a stopping server is looked at.
const STOP_POLL: Duration = Duration::from_millis(5);
/// How often a starting server is asked whether it is ready.
const READY_POLL: Duration = Duration::from_millis(1);
/// The type of every event that is raised.
const EVENT_TYPE: &str = "user.created";
/// A type of which no event is raised.
pub(crate) const OTHER_TYPE: &str = "connection.deleted";

/// A setting of the server beside the ones that every run has: variable and value.
pub(crate) type Setting = (&'static str, &'static str);

/// A running server; it is killed and its data removed when this is dropped.
pub(crate) struct Server {
    child: Child,
    program: Program,
    folder: PathBuf,
    address: SocketAddr,
    bearer: HeaderValue,
    /// When its process was started.
    pub(crate) started_ns: u64,
    /// When it answered that it is ready.
    pub(crate) ready_ns: u64,
}

/// How the server is run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub(crate) binary: PathBuf,
    /// A program that runs it, with its arguments.
    pub(crate) under: Vec<String>,
    pub(crate) settings: Vec<Setting>,
}

/// A stream to create.
pub(crate) struct NewStream<'a> {
    pub(crate) url: &'a str,
    pub(crate) event_type: &'a str,
    /// The `headwater` member, if any.
    pub(crate) extension: Option<Value>,
}

impl<'a> NewStream<'a> {
    /// A stream of the events that are raised.
    pub(crate) fn to(url: &'a str) -> Self {
        Self { url, event_type: EVENT_TYPE, extension: None }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    /// Starts it with a fresh folder under `work`.
    pub(crate) async fn start(program: Program, work: &Path) -> Result<Self> {
        let folder = work.join(format!("data-{}", now_ns()));
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut server = Self {
            child: program.spawn(&folder, address)?,
            program,
            folder,
            address,
            bearer: HeaderValue::from_static(""),
            started_ns: now_ns(),
            ready_ns: 0,
        };
        server.wait_until_ready().await?;
        server.bearer = server.token().await?;
        Ok(server)
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Stops it in an orderly way.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        asked.context("the command kill is needed to stop a server")?;
        let begun = now_ns();
        while self.child.try_wait()?.is_none() {
            if Duration::from_nanos(now_ns() - begun) > STOP_MAX {
                bail!("the server does not stop");
            }
            tokio::time::sleep(STOP_POLL).await;
        }
        Ok(())
    }

    /// Starts it again over the same data, and waits until it is ready.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.started_ns = now_ns();
        self.child = self.program.spawn(&self.folder, self.address)?;
        self.wait_until_ready().await
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let begun = now_ns();
        loop {
            if let Ok(answer) = self.get("/readyz").await
                && answer.status == StatusCode::OK
            {
                self.ready_ns = now_ns();
                return Ok(());
            }
            let ended = self.child.try_wait()?.map(|status| format!("the server ended with {status}"));
            let late = Duration::from_nanos(now_ns() - begun) > START_MAX;
            if let Some(why) = ended.or_else(|| late.then(|| "the server does not become ready".into())) {
                let log = self.log();
                bail!("{why}; the end of its log:\n{}", log.lines().rev().take(5).collect::<Vec<_>>().join("\n"));
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    async fn get(&self, path: &str) -> Result<Answer> {
        let request = Request::builder().method(Method::GET).uri(path).body(Full::default())?;
        Connection::open(self.address).await?.call(request).await
    }

    async fn token(&self) -> Result<HeaderValue> {
        let audience = format!("http://{}/api/v2/", self.address);
        let body = json!({
            "grant_type": "client_credentials", "audience": audience,
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        });
        let request = Request::post("/oauth/token").body(Full::from(body.to_string()))?;
        let answer = Connection::open(self.address).await?.call(request).await?;
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let token = json["access_token"].as_str().with_context(|| format!("no token: {}", answer.excerpt()))?;
        Ok(HeaderValue::from_str(&format!("Bearer {token}"))?)
    }

    /// Calls the Management API once.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, self.bearer.clone())
            .header(hyper::header::CONTENT_TYPE, content_type);
        Connection::open(self.address).await?.call(request.body(Full::new(body))?).await
    }

    /// Creates a webhook stream; the answer may be a refusal.
    pub(crate) async fn stream_post(&self, stream: NewStream<'_>) -> Result<Answer> {
        let authorization = json!({"method": "bearer", "token": "a-token-for-the-receiver"});
        let mut body = json!({
            "subscriptions": [{"event_type": stream.event_type}],
            "destination": {"type": "webhook", "configuration": {
                "webhook_endpoint": stream.url, "webhook_authorization": authorization,
            }},
        });
        if let Some(extension) = stream.extension {
            body["headwater"] = extension;
        }
        self.call(Method::POST, "/api/v2/event-streams", "application/json", body.to_string().into()).await
    }

    /// Creates a webhook stream; answers its id.
    pub(crate) async fn stream_create(&self, stream: NewStream<'_>) -> Result<String> {
        let answer = self.stream_post(stream).await?;
        if answer.status != StatusCode::CREATED {
            bail!("a stream was refused with {}: {}", answer.status, answer.excerpt());
        }
        let json: Value = serde_json::from_slice(&answer.body)?;
        Ok(json["id"].as_str().context("a stream has an id")?.to_owned())
    }

    /// Deletes a stream.
    pub(crate) async fn stream_delete(&self, id: &str) -> Result<()> {
        let path = format!("/api/v2/event-streams/{id}");
        let answer = self.call(Method::DELETE, &path, "application/json", Bytes::new()).await?;
        if !answer.status.is_success() {
            bail!("a stream was not deleted: {}: {}", answer.status, answer.excerpt());
        }
        Ok(())
    }

    /// Asks what moving a stream would do, without moving it.
    pub(crate) async fn seek_dry(&self, id: &str, to: &str) -> Result<Answer> {
        let path = format!("/api/v2/event-streams/{id}/headwater/seek");
        let body = json!({"to": to, "dry_run": true}).to_string();
        self.call(Method::POST, &path, "application/json", body.into()).await
    }

    /// Where the load goes.
    pub(crate) fn target(&self, kind: Kind) -> Target {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.bearer.clone());
        let accepts = match kind {
            Kind::User => StatusCode::CREATED,
            Kind::Event | Kind::Batch(_) => StatusCode::ACCEPTED,
        };
        Target { address: self.address, path: kind.path(), headers, accepts }
    }
}

impl Program {
    fn spawn(&self, folder: &Path, address: SocketAddr) -> Result<Child> {
        let log = File::options().create(true).append(true).open(folder.join("log"))?;
        let mut command = match self.under.split_first() {
            None => Command::new(&self.binary),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.binary);
                command
            }
        };
        // Nothing of the developer's own settings.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HEADWATER_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
        command
            .arg("serve")
            .env("HEADWATER_LISTEN", address.to_string())
            .env("HEADWATER_DATA_DIR", folder.join("data"))
            .env("HEADWATER_ALLOW_DESTINATIONS", "127.0.0.0/8")
            .env("HEADWATER_ALLOW_HTTP", "true")
            .env("HEADWATER_BOOTSTRAP_CLIENT_ID", CLIENT_ID)
            .env("HEADWATER_BOOTSTRAP_CLIENT_SECRET", CLIENT_SECRET)
            .envs(self.settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        command.spawn().with_context(|| {
            let binary = self.binary.display();
            format!("{binary} cannot be started; `cargo build --release -p headwater` makes it")
        })
    }
}
