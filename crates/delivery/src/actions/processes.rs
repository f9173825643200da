//! The processes that run actions: how many there are, and which may be used for what.
//!
//! A process serves one [`Lane`](super::lane::Lane) for all of its life, so nothing of one action is ever near
//! another. All of them together are bounded, and so are those of a lane: code that hangs holds its own places only.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::frames::{self, FrameError, FromProcess, LENGTH_BYTES};

/// So many runs in one process: whatever the engine may leak stays small.
const RUNS_MAX: u32 = 1000;

/// How processes are started, and how many.
#[derive(Clone, Debug)]
pub(super) struct ProcessSettings {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// All together.
    pub(super) max: usize,
    /// How long one waits for its next run.
    pub(super) idle_for_max: Duration,
    /// The longest frame that is taken from one.
    pub(super) frame_bytes_max: usize,
}

/// Who uses a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(u64);

/// The processes.
pub(super) struct Processes {
    settings: ProcessSettings,
    places: Arc<Semaphore>,
    /// How many wait for a place.
    waiting: AtomicUsize,
    owners: AtomicU64,
    /// The longest waiting first.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    owner: Owner,
    process: Process,
    since: Duration,
}

impl Processes {
    pub(super) fn new(settings: ProcessSettings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.max)),
            settings,
            waiting: AtomicUsize::new(0),
            owners: AtomicU64::new(0),
            idle: Mutex::default(),
        }
    }

    /// One that there has not been before.
    pub(super) fn owner(&self) -> Owner {
        Owner(self.owners.fetch_add(1, Ordering::Relaxed))
    }

    /// A process of `owner`: one that waits, or a new one as soon as there is a place. Places are given in the
    /// order in which they are asked for.
    pub(super) async fn take(&self, owner: Owner) -> io::Result<Process> {
        while let Some(mut process) = self.take_idle(owner) {
            if process.is_alive() {
                return Ok(process);
            }
        }
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.wait_for_place().await?,
        };
        Process::start(&self.settings, place)
    }

    async fn wait_for_place(&self) -> io::Result<OwnedSemaphorePermit> {
        let _waiting = Waiting::begin(&self.waiting);
        // Whoever waits for its next run makes room for one who has something to run.
        drop(self.take_oldest());
        Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)
    }

    /// Keeps a process that is ready for its owner's next run.
    pub(super) fn put(&self, owner: Owner, process: Process, now: Duration) {
        if process.runs < RUNS_MAX && self.waiting.load(Ordering::Acquire) == 0 {
            self.idle().push(Idle { owner, process, since: now });
        }
    }

    /// Ends the processes that wait for a run of `owner`.
    pub(super) fn end_of(&self, owner: Owner) {
        self.idle().retain(|idle| idle.owner != owner);
    }

    /// Ends those that have waited too long.
    pub(super) fn end_idle(&self, now: Duration) {
        self.idle().retain(|idle| now.saturating_sub(idle.since) < self.settings.idle_for_max);
    }

    fn take_oldest(&self) -> Option<Idle> {
        let mut idle = self.idle();
        if idle.is_empty() { None } else { Some(idle.remove(0)) }
    }

    fn take_idle(&self, owner: Owner) -> Option<Process> {
        let mut idle = self.idle();
        let last = idle.iter().rposition(|idle| idle.owner == owner)?;
        Some(idle.remove(last).process)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one who waits for a place, for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A process. Dropping it kills it.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// What has arrived of the next frame.
    arrived: BytesMut,
    frame_bytes_max: usize,
    runs: u32,
    _place: OwnedSemaphorePermit,
}

impl Process {
    fn start(settings: &ProcessSettings, place: OwnedSemaphorePermit) -> io::Result<Self> {
        let mut child = Command::new(&settings.program)
            .args(&settings.arguments)
            .env_clear()
            .current_dir("/")
            // What the terminal sends to the server is for the server alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a process without its pipes"));
        };
        let frame_bytes_max = settings.frame_bytes_max;
        Ok(Self { child, input, output, arrived: BytesMut::new(), frame_bytes_max, runs: 0, _place: place })
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Says something to it.
    pub(super) async fn say<M: Serialize + Sync>(&mut self, message: &M) -> Result<(), FrameError> {
        let frame = frames::encode(message)?;
        self.input.write_all(&frame).await?;
        Ok(self.input.flush().await?)
    }

    /// The next thing that it says. What has arrived stays when this is cancelled.
    pub(super) async fn hear(&mut self) -> Result<FromProcess, FrameError> {
        loop {
            if let Some(head) = self.arrived.first_chunk::<LENGTH_BYTES>() {
                let length = frames::length(*head, self.frame_bytes_max)?;
                if self.arrived.len() >= LENGTH_BYTES + length {
                    self.arrived.advance(LENGTH_BYTES);
                    let frame = self.arrived.split_to(length);
                    return Ok(serde_json::from_slice(&frame)?);
                }
            }
            if self.output.read_buf(&mut self.arrived).await? == 0 {
                return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Counts a run.
    pub(super) const fn begin_run(&mut self) {
        self.runs += 1;
    }

    /// How it ended, once it has closed its side.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.start_kill()?;
        self.child.wait().await
    }
}
