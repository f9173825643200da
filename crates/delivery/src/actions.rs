//! Actions: code of a tenant's own that runs for each event, in processes that can do nothing else.
//!
//! The server keeps a few processes (`processes`), each for one version of one action of one stream (`lane`),
//! and speaks to them in frames over their standard input and output (`frames`). Inside, `child` runs the code in an
//! engine made for that run. What the code wants of the world (requests, its cache) the server does, under its own
//! policy (`fetch`, `cache`).

mod cache;
mod child;
mod fetch;
mod frames;
mod lane;
mod message;
mod processes;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use domain::action::{ActionCode, CodeCheck, TestRunReport};
use domain::clock::Clock;
use domain::delivery::{ConsoleLine, Failure, FailureKind, Outcome};
use domain::ids::ActionId;
use tokio::sync::Semaphore;

use crate::outbound::{Outbound, OutboundError, OutboundSettings};
use cache::ActionCache;
use fetch::Fetcher;
use frames::{Order, RunLimits};
use lane::{End, Lane, Run};
use processes::{ProcessSettings, Processes};

pub use child::serve;
pub(crate) use message::message_of;

/// The shortest secret that is looked for in what an action says; hiding shorter ones would show where they were.
const SECRET_HIDDEN_BYTES_MIN: usize = 6;

/// So many actions are checked and tried at once, so that deliveries keep their places.
const TRIALS_MAX: usize = 2;

/// How long, beside the time of two runs, whoever tries an action out waits for a process.
const TRIAL_STARTED_WITHIN: Duration = Duration::from_secs(5);

/// How actions run. `..ActionSettings::new(program, arguments)` fills in what is not given.
#[derive(Clone, Debug)]
pub struct ActionSettings {
    /// The program that runs [`serve`], with its arguments.
    pub program: PathBuf,
    /// The arguments.
    pub arguments: Vec<OsString>,
    /// One run.
    pub timeout: Duration,
    /// Memory of one run.
    pub memory_bytes_max: usize,
    /// What is kept of the console of one run.
    pub console_bytes_max: usize,
    /// Requests of one run.
    pub requests_max: u32,
    /// The body of one request.
    pub request_bytes_max: usize,
    /// The body of one answer.
    pub answer_bytes_max: usize,
    /// Processes of all streams together.
    pub processes_max: usize,
    /// Processes of one stream, each of which does one run at a time.
    pub processes_per_stream_max: usize,
    /// How long a process waits for its next run.
    pub idle_for_max: Duration,
    /// Whether requests may go to `http://`.
    pub http_allowed: bool,
}

impl ActionSettings {
    /// The default settings.
    pub const fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self {
            program,
            arguments,
            timeout: Duration::from_secs(10),
            memory_bytes_max: 64 * 1024 * 1024,
            console_bytes_max: 16 * 1024,
            requests_max: 20,
            request_bytes_max: 1024 * 1024,
            answer_bytes_max: 1024 * 1024,
            processes_max: 32,
            processes_per_stream_max: 4,
            idle_for_max: Duration::from_secs(30),
            http_allowed: false,
        }
    }

    fn limits(&self) -> RunLimits {
        RunLimits {
            time_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: self.memory_bytes_max,
            console_bytes: self.console_bytes_max,
            requests: self.requests_max,
            request_bytes: self.request_bytes_max,
        }
    }
}

/// Runs actions. Cheap to clone.
#[derive(Clone)]
pub struct ActionRuntime(Arc<Shared>);

struct Shared {
    settings: ActionSettings,
    fetcher: Fetcher,
    processes: Arc<Processes>,
    /// Of the actions that have a destination now.
    caches: Mutex<HashMap<ActionId, Weak<ActionCache>>>,
    trials: Semaphore,
    clock: Arc<dyn Clock>,
}

impl ActionRuntime {
    /// Prepares to run actions, whose requests go out as `outbound`'s do.
    ///
    /// # Errors
    /// As those of [`Outbound::new`].
    pub fn new(settings: ActionSettings, outbound: &Outbound) -> Result<Self, OutboundError> {
        let clock = outbound.clock();
        let limits = OutboundSettings {
            attempt_timeout: settings.timeout,
            answer_body_timeout: settings.timeout,
            answer_body_bytes_max: settings.answer_bytes_max,
            ..outbound.settings().clone()
        };
        let fetcher = Fetcher {
            outbound: Outbound::new(limits, Arc::clone(&clock))?,
            http_allowed: settings.http_allowed,
            answer_bytes_max: settings.answer_bytes_max,
        };
        let processes = Arc::new(Processes::new(ProcessSettings {
            program: settings.program.clone(),
            arguments: settings.arguments.clone(),
            max: settings.processes_max,
            idle_for_max: settings.idle_for_max,
            // A body in base64, escaped texts, and what is around them.
            frame_bytes_max: settings.request_bytes_max.max(settings.console_bytes_max).saturating_mul(6) + 1024 * 1024,
        }));
        let (caches, trials) = (Mutex::default(), Semaphore::new(TRIALS_MAX));
        Ok(Self(Arc::new(Shared { settings, fetcher, processes, caches, trials, clock })))
    }

    /// Looks whether an action's code can be loaded: its top level runs, without an event.
    pub async fn check(&self, code: &ActionCode) -> CodeCheck {
        let run = self.try_out(code, None).await;
        match run.end {
            End::Died(_) | End::NotStarted(_) => CodeCheck::Unchecked,
            End::Told(_) | End::Killed => match run.failure(self.0.settings.timeout) {
                None => CodeCheck::Runs,
                Some((_, message)) => CodeCheck::Fails(message),
            },
        }
    }

    /// Runs an action once for an event, given as CloudEvent in JSON. Its cache is its own and forgotten.
    pub async fn test(&self, code: &ActionCode, message: Bytes) -> TestRunReport {
        let run = self.try_out(code, Some(&message)).await;
        let error = run.failure(self.0.settings.timeout).map(|(_, message)| hidden(code, message));
        TestRunReport { error, console: hidden_lines(code, run.console), duration: run.duration }
    }

    async fn try_out(&self, code: &ActionCode, message: Option<&[u8]>) -> Run {
        let trial = async {
            // Never closed.
            let _turn = self.0.trials.acquire().await;
            let lane = self.lane(1);
            self.run(&lane, code, message, &ActionCache::default()).await
        };
        // Whoever tries something out does not wait in line for ever.
        let patience = self.0.settings.timeout.saturating_mul(2).saturating_add(TRIAL_STARTED_WITHIN);
        tokio::time::timeout(patience, trial).await.unwrap_or_else(|_| Run {
            end: End::NotStarted("all of them are busy".to_owned()),
            console: Vec::new(),
            duration: patience,
        })
    }

    fn lane(&self, at_once: usize) -> Lane {
        Lane::new(Arc::clone(&self.0.processes), at_once, Arc::clone(&self.0.clock))
    }

    async fn run(&self, lane: &Lane, code: &ActionCode, message: Option<&[u8]>, cache: &ActionCache) -> Run {
        let secrets = code.secrets.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let order = Order {
            code: code.code.clone(),
            secrets: secrets.collect(),
            message: message.map(|message| String::from_utf8_lossy(message).into_owned()),
            limits: self.0.settings.limits(),
        };
        lane.run(order, &self.0.fetcher, cache).await
    }

    /// The runs of one version of an action for one stream.
    pub fn runs_of(&self, action: ActionId) -> ActionRuns {
        let mut caches = self.0.caches.lock().unwrap_or_else(PoisonError::into_inner);
        caches.retain(|_, cache| cache.strong_count() > 0);
        let cache = caches.get(&action).and_then(Weak::upgrade).unwrap_or_default();
        caches.insert(action, Arc::downgrade(&cache));
        ActionRuns { lane: self.lane(self.0.settings.processes_per_stream_max), cache, runtime: self.clone() }
    }

    /// Ends processes that nobody has used for a while. To be called every few seconds.
    pub fn end_idle(&self) {
        self.0.processes.end_idle(self.0.clock.now().steady);
        self.0.fetcher.outbound.close_idle();
    }
}

/// The runs of one version of an action for one stream.
pub struct ActionRuns {
    lane: Lane,
    cache: Arc<ActionCache>,
    runtime: ActionRuntime,
}

impl ActionRuns {
    /// Runs the action for an event.
    pub async fn run(&self, code: &ActionCode, message: &[u8]) -> Outcome {
        let run = self.runtime.run(&self.lane, code, Some(message), &self.cache).await;
        match run.failure(self.runtime.0.settings.timeout) {
            None => Outcome::Delivered { duration: run.duration },
            Some((kind, message)) => Outcome::Failed(Failure {
                console: hidden_lines(code, run.console),
                ..Failure::new(kind, hidden(code, message), run.duration)
            }),
        }
    }
}

/// A failure before the code could run.
pub(crate) fn not_run(kind: FailureKind, message: &str) -> Outcome {
    Outcome::Failed(Failure::new(kind, message, Duration::ZERO))
}

/// What an action says is kept, and its secrets are for itself.
fn hidden(code: &ActionCode, text: String) -> String {
    let values = code.secrets.iter().map(|(_, value)| value.expose());
    let long = values.filter(|value| value.len() >= SECRET_HIDDEN_BYTES_MIN);
    long.fold(text, |text, value| text.replace(value, "***"))
}

fn hidden_lines(code: &ActionCode, lines: Vec<ConsoleLine>) -> Vec<ConsoleLine> {
    lines.into_iter().map(|line| ConsoleLine { text: hidden(code, line.text), ..line }).collect()
}
