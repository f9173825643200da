//! One after another, or a few at once: the runs of one version of one action for one stream.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::delivery::{ConsoleLine, FailureKind};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::cache::ActionCache;
use super::fetch::Fetcher;
use super::frames::{Answer, Ask, Ending, Fetch, FrameError, FromProcess, Order, ToProcess};
use super::processes::{Owner, Process, Processes};

/// What a process is given beyond the time of a run to end it by itself.
const GRACE: Duration = Duration::from_secs(1);

/// How long a process may take to clear up after a run.
const CLEARING_MAX: Duration = Duration::from_secs(1);

/// Lines of the console that are kept of a run, whatever their length.
const CONSOLE_LINES_MAX: usize = 1000;

/// How a run went.
pub(super) struct Run {
    pub(super) end: End,
    pub(super) console: Vec<ConsoleLine>,
    pub(super) duration: Duration,
}

/// How a run ended.
pub(super) enum End {
    /// The process told.
    Told(Ending),
    /// The process ended in the middle of it.
    Died(String),
    /// The process did not answer and was killed.
    Killed,
    /// There is no process to run it.
    NotStarted(String),
}

impl Run {
    /// What went wrong, and whether it can help to try again.
    pub(super) fn failure(&self, time_max: Duration) -> Option<(FailureKind, String)> {
        let out_of_time = || (FailureKind::Timeout, format!("the action did not end within {time_max:?}"));
        Some(match &self.end {
            End::Told(Ending::Finished) => return None,
            End::Told(Ending::GaveUp(reason)) if reason.is_empty() => {
                (FailureKind::Thrown, "the action called api.message.fail without a reason".to_owned())
            }
            End::Told(Ending::GaveUp(message) | Ending::Threw(message)) => (FailureKind::Thrown, message.clone()),
            End::Told(Ending::Stuck) => {
                (FailureKind::Thrown, "the action waits for a promise that nothing can fulfil any more".to_owned())
            }
            End::Told(Ending::Unusable(message)) => (FailureKind::Refused, message.clone()),
            End::Told(Ending::OutOfTime) | End::Killed => out_of_time(),
            End::Died(how) => (FailureKind::Thrown, format!("the action's process broke down: {how}")),
            End::NotStarted(why) => {
                (FailureKind::Unreachable, format!("the action's process could not be started: {why}"))
            }
        })
    }
}

/// Processes for one owner, a few at most.
pub(crate) struct Lane {
    processes: Arc<Processes>,
    owner: Owner,
    turns: Semaphore,
    clock: Arc<dyn Clock>,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.processes.end_of(self.owner);
    }
}

impl Lane {
    pub(super) fn new(processes: Arc<Processes>, at_once: usize, clock: Arc<dyn Clock>) -> Self {
        Self { owner: processes.owner(), processes, turns: Semaphore::new(at_once), clock }
    }

    /// Does a run, when there is a place for it. Cancelling it kills the process.
    pub(super) async fn run(&self, order: Order, fetcher: &Fetcher, cache: &ActionCache) -> Run {
        // Never closed.
        let _turn = self.turns.acquire().await;
        let taken = self.processes.take(self.owner).await;
        let started = self.clock.now().steady;
        let mut console = Console::new(order.limits.console_bytes);
        let end = match taken {
            Err(error) => End::NotStarted(error.to_string()),
            Ok(process) => self.run_in(process, order, &mut console, fetcher, cache).await,
        };
        let duration = self.clock.now().steady.saturating_sub(started);
        Run { end, console: console.lines, duration }
    }

    async fn run_in(
        &self,
        mut process: Process,
        order: Order,
        console: &mut Console,
        fetcher: &Fetcher,
        cache: &ActionCache,
    ) -> End {
        process.begin_run();
        let limit = Duration::from_millis(order.limits.time_ms).saturating_add(GRACE);
        let requests_left = order.limits.requests;
        let mut served = Served { process: &mut process, console, fetcher, cache, clock: &*self.clock, requests_left };
        match tokio::time::timeout(limit, served.until_ended(order)).await {
            Err(_) => End::Killed,
            Ok(Err(error)) => End::Died(how(&mut process, error).await),
            Ok(Ok(ending)) => {
                let ready = tokio::time::timeout(CLEARING_MAX, process.hear()).await;
                if matches!(ready, Ok(Ok(FromProcess::Ready))) {
                    self.processes.put(self.owner, process, self.clock.now().steady);
                }
                End::Told(ending)
            }
        }
    }
}

/// What a run has asked for, and what it may have.
struct Served<'a> {
    process: &'a mut Process,
    console: &'a mut Console,
    fetcher: &'a Fetcher,
    cache: &'a ActionCache,
    clock: &'a dyn Clock,
    requests_left: u32,
}

impl Served<'_> {
    async fn until_ended(&mut self, order: Order) -> Result<Ending, FrameError> {
        self.process.say(&ToProcess::Run(Box::new(order))).await?;
        // Dropped with the run, and with it what is still on its way.
        let mut fetches: JoinSet<(u64, Answer)> = JoinSet::new();
        loop {
            let said = tokio::select! {
                said = self.process.hear() => said?,
                Some(Ok((id, answer))) = fetches.join_next() => {
                    self.process.say(&ToProcess::Answer { id, answer }).await?;
                    continue;
                }
            };
            match said {
                FromProcess::Wrote(line) => self.console.keep(line),
                FromProcess::Asks { id, ask: Ask::Fetch(fetch) } => self.begin(&mut fetches, id, fetch)?,
                FromProcess::Asks { id, ask: Ask::Cache(ask) } => {
                    let answer = Answer::Cached(self.cache.answer(ask, self.clock.now().wall));
                    self.process.say(&ToProcess::Answer { id, answer }).await?;
                }
                FromProcess::Ended(ending) => return Ok(ending),
                FromProcess::Ready => return Err(unexpected("it is ready in the middle of a run")),
            }
        }
    }

    /// The process counts requests as well; one that does not is not itself any more.
    fn begin(&mut self, fetches: &mut JoinSet<(u64, Answer)>, id: u64, fetch: Fetch) -> Result<(), FrameError> {
        let left = self.requests_left.checked_sub(1);
        self.requests_left = left.ok_or_else(|| unexpected("it asks for more requests than it may make"))?;
        let fetcher = self.fetcher.clone();
        fetches.spawn(async move { (id, fetcher.fetch(fetch).await) });
        Ok(())
    }
}

fn unexpected(what: &str) -> FrameError {
    FrameError::Io(io::Error::new(io::ErrorKind::InvalidData, what.to_owned()))
}

/// What is kept of a run's console. The process holds the limit too.
struct Console {
    lines: Vec<ConsoleLine>,
    bytes_left: usize,
}

impl Console {
    fn new(bytes_max: usize) -> Self {
        // Room for the mark of a line that was cut.
        Self { lines: Vec::new(), bytes_left: bytes_max.saturating_add(100) }
    }

    fn keep(&mut self, line: ConsoleLine) {
        if self.lines.len() < CONSOLE_LINES_MAX && line.text.len() <= self.bytes_left {
            self.bytes_left -= line.text.len();
            self.lines.push(line);
        }
    }
}

/// How a process ended that should not have.
async fn how(process: &mut Process, error: FrameError) -> String {
    if !matches!(&error, FrameError::Io(error) if is_end(error)) {
        return error.to_string();
    }
    match process.ended().await {
        Ok(status) => described(status),
        Err(error) => error.to_string(),
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn described(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(9), _) => "it was killed (signal 9)".to_owned(),
        (Some(6), _) => "it aborted (signal 6), perhaps for lack of memory".to_owned(),
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, Some(code)) => format!("it exited with code {code}"),
        (None, None) => "it ended".to_owned(),
    }
}
