//! How a command reaches the server that runs on its data folder: a socket there, which only its owner can open. A
//! request is a line of JSON; the answer is some lines of progress, and one that ends it.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use store::Retire;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use web::{App, RotatedKeys};

use crate::rotation::{MasterKeyRotation, Resealed, Rotated};

/// The socket in the data folder.
const FILE: &str = "control.sock";
/// How long the other side may take for a line.
const LINE_MAX: Duration = Duration::from_secs(5);
/// The longest request.
const REQUEST_BYTES_MAX: u64 = 4096;

/// What a command wants of a running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Change the master key.
    RotateMasterKey,
    /// Sign tokens with a new key.
    RotateSigningKeys {
        /// Of this tenant; left out, of all.
        tenant: Option<String>,
        /// Tokens of the former keys hold no more.
        at_once: bool,
    },
}

/// A line of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// It goes on.
    Progress { done: u64, total: u64 },
    /// It is done; this is to be told.
    Done(Vec<String>),
    /// It could not be done.
    Failed(String),
}

/// What a server does for the commands that reach it.
pub(crate) struct Control {
    pub(crate) app: Arc<App>,
    pub(crate) master_key: Arc<MasterKeyRotation>,
}

impl Control {
    /// Does what is asked for, telling of it meanwhile.
    async fn answer(&self, request: Request, progress: &(dyn Fn(Resealed) + Sync)) -> Reply {
        let done = match request {
            Request::RotateMasterKey => self.master_key.rotate(progress).await.map(|rotated| told_of(&rotated)),
            Request::RotateSigningKeys { tenant, at_once } => {
                let retire = if at_once { Retire::AtOnce } else { Retire::WhenExpired };
                let rotated = self.app.signing_keys_rotate(tenant.as_deref(), retire).await;
                return rotated.map_or_else(|error| failed(&error), |rotated| Reply::Done(told_of_signing(&rotated)));
            }
        };
        done.map_or_else(|error| failed(&error), Reply::Done)
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Reply {
    let causes = std::iter::successors(Some(error), |error| error.source());
    Reply::Failed(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

/// What to tell of a changed master key.
pub(crate) fn told_of(rotated: &Rotated) -> Vec<String> {
    match rotated {
        Rotated::Done => vec![
            "everything is sealed with the new master key, and the former one has gone".to_owned(),
            "backups made before need the former one: make a new backup".to_owned(),
        ],
        Rotated::FormerRemain { place } => {
            vec![format!("everything is sealed with the new master key; take the former one away: {place}")]
        }
    }
}

/// What to tell of new signing keys.
pub(crate) fn told_of_signing(rotated: &[RotatedKeys]) -> Vec<String> {
    let mut lines = Vec::new();
    for each in rotated {
        lines.push(format!("{}: tokens are signed with key {}", each.tenant, each.key_id));
        for (key_id, at) in &each.retiring {
            lines.push(format!("  key {key_id} stays published until {at}, when its tokens have expired"));
        }
    }
    lines
}

/// The socket of a server, which listens until this is dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl ControlSocket {
    /// Listens in a data folder, which is the caller's alone: what is left of a former process is removed.
    ///
    /// # Errors
    /// If the file system does not take sockets, or the folder's path is too long for one.
    pub(crate) fn listen(folder: &Path) -> std::io::Result<Self> {
        let path = folder.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers requests, one after another.
    pub(crate) async fn serve(self, control: Control) {
        loop {
            match self.listener.accept().await {
                Ok((connection, _)) => {
                    if let Err(error) = serve_one(&control, connection).await {
                        tracing::debug!(%error, "a command went away");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a command cannot reach this server");
                    tokio::time::sleep(LINE_MAX).await;
                }
            }
        }
    }
}

/// Whoever asked may go away: what was begun is brought to its end all the same.
async fn serve_one(control: &Control, connection: UnixStream) -> Result<()> {
    let (read, mut write) = connection.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(REQUEST_BYTES_MAX));
    tokio::time::timeout(LINE_MAX, read.read_line(&mut line)).await??;
    let (sender, mut lines) = mpsc::unbounded_channel();
    let work = async {
        let reply = match serde_json::from_str(&line) {
            Ok(request) => {
                let progress = |Resealed { done, total }| {
                    let _ = sender.send(Reply::Progress { done, total });
                };
                control.answer(request, &progress).await
            }
            Err(error) => failed(&error),
        };
        let _ = sender.send(reply);
        drop(sender);
    };
    let telling = async {
        let mut told = Ok(());
        while let Some(reply) = lines.recv().await {
            if told.is_ok() {
                told = tell(&mut write, &reply).await;
            }
        }
        told
    };
    tokio::join!(work, telling).1
}

async fn tell(write: &mut OwnedWriteHalf, reply: &Reply) -> Result<()> {
    let line = serde_json::to_string(reply)? + "\n";
    Ok(tokio::time::timeout(LINE_MAX, write.write_all(line.as_bytes())).await??)
}

/// Asks the server that runs on a data folder, if there is one; `None` if there is none. Answers what is to be told.
///
/// # Errors
/// If it could not do it, or went away.
pub(crate) async fn ask(
    folder: &Path,
    request: &Request,
    progress: &(dyn Fn(Resealed) + Sync),
) -> Result<Option<Vec<String>>> {
    let connection = match UnixStream::connect(folder.join(FILE)).await {
        Ok(connection) => connection,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be opened", folder.join(FILE).display())),
    };
    let (read, mut write) = connection.into_split();
    let line = serde_json::to_string(request)? + "\n";
    write.write_all(line.as_bytes()).await.context("the server went away")?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.context("the server went away")? {
        match serde_json::from_str(&line).context("the server answers something else; is it of another version?")? {
            Reply::Progress { done, total } => progress(Resealed { done, total }),
            Reply::Done(told) => return Ok(Some(told)),
            Reply::Failed(reason) => bail!(reason),
        }
    }
    bail!("the server ended before it was done; what was begun goes on at its next start")
}
