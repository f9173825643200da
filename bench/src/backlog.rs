//! A log with a long backlog, which is made once and measured several times.

use std::time::Duration;

use anyhow::Result;

use crate::clock::{now_ns, seconds_between};
use crate::process::{disk_free, memory_bytes, peak_memory_bytes};
use crate::receiver::{Mode, Records};
use crate::rows::steady::RATE;
use crate::rows::{Bench, Row, per_second};
use crate::session::{Head, Session, Steady};

/// What an event takes on the disk at most, its place in the indexes and the write-ahead file included.
const BYTES_PER_EVENT: u64 = 1600;
/// What has to be free besides.
const BYTES_SPARE: u64 = 2 << 30;
/// Events that are raised before progress is told.
const FILL_STEP: u64 = 1_000_000;
/// The slot of the stream that is behind.
const BEHIND: usize = 1;
/// How long to look whether a stream still gets events.
const LOOK: Duration = Duration::from_millis(100);
/// How long a slow receiver takes for an answer.
const SLOW_MS: u64 = 200;

/// The log, and the server over it.
pub(crate) struct Backlog {
    session: Session,
    /// Another server, whose log is as long as that of the row `drain`.
    short: Session,
}

/// What its server holds in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) idle_mib: f64,
    pub(crate) most_mib: f64,
}

impl Backlog {
    /// Starts with an empty log that will have so many events; says why not where the disk has no room for them.
    pub(crate) async fn begin(bench: &Bench, events: u64) -> Result<Result<Self, String>> {
        let (needed, free) = (events * BYTES_PER_EVENT + BYTES_SPARE, disk_free(&bench.work)?);
        if free < needed {
            let gib = |bytes: u64| per_second(bytes, f64::from(1 << 30));
            return Ok(Err(format!(
                "{events} events need {:.0} GiB and {} has {:.0} GiB free; --work FOLDER takes another disk, \
                 --backlog-events N another number",
                gib(needed),
                bench.work.display(),
                gib(free)
            )));
        }
        let mut short = bench.session(&[]).await?;
        short.publish(bench.in_bulk(), bench.sizes.backlog, None).await?;
        Ok(Ok(Self { session: bench.session(&[]).await?, short }))
    }

    /// Raises events until the log has so many.
    pub(crate) async fn fill_to(&mut self, bench: &Bench, events: u64) -> Result<()> {
        let (began_ns, before) = (now_ns(), self.session.events());
        while self.session.events() < events {
            let step = FILL_STEP.min(events - self.session.events());
            self.session.publish(bench.in_bulk(), step, None).await?;
            let rate = per_second(self.session.events() - before, seconds_between(began_ns, now_ns()));
            println!("  backlog: {} of {events} events ({rate:.0}/s)", self.session.events());
        }
        Ok(())
    }

    /// The processes that outlive what is measured here.
    pub(crate) fn processes(&self, bench: &Bench) -> [u32; 3] {
        [bench.receiver.pid(), self.session.server.pid(), self.short.server.pid()]
    }

    /// Seconds from starting a server over the log to its being ready; the one before was killed.
    pub(crate) async fn start_again(&mut self) -> Result<f64> {
        self.session.server.kill()?;
        self.session.server.restart().await?;
        Ok(seconds_between(self.session.server.started_ns, self.session.server.ready_ns))
    }

    /// Since it was started.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let mib = |bytes| per_second(bytes, f64::from(1 << 20));
        let pid = self.session.server.pid();
        Ok(Memory { idle_mib: mib(memory_bytes(pid)?), most_mib: mib(peak_memory_bytes(pid)?) })
    }

    /// Full load to a stream at the head.
    pub(crate) async fn head(&mut self, bench: &mut Bench) -> Result<Head> {
        bench.settle().await?;
        let (kind, events) = (bench.one_by_one(), bench.sizes.single);
        let head = self.session.head(&mut bench.receiver, kind, events).await?;
        bench.receiver.wait_until_still().await?;
        Ok(head)
    }

    /// The steady rate to a stream at the head.
    pub(crate) async fn steady(&mut self, bench: &mut Bench) -> Result<Steady> {
        bench.settle().await?;
        let events = bench.sizes.steady_s * u64::from(RATE) / 2;
        let kind = bench.one_by_one();
        self.session.steady(&mut bench.receiver, kind, events, RATE).await
    }

    /// Deliveries a second to a stream that reads from the beginning.
    pub(crate) async fn drain(&mut self, bench: &mut Bench) -> Result<f64> {
        drain_part(&mut self.session, bench).await
    }

    /// The same of the short log.
    pub(crate) async fn drain_short(&mut self, bench: &mut Bench) -> Result<f64> {
        drain_part(&mut self.short, bench).await
    }

    /// A stream that is all of the log behind, and whose receiver behaves like this.
    async fn stream_behind(&self, bench: &mut Bench, mode: Mode) -> Result<String> {
        bench.settle().await?;
        bench.receiver.set_mode(BEHIND, 1, mode).await?;
        self.session.stream_from_beginning(&bench.receiver, BEHIND).await
    }

    /// Whether the stream that is behind still gets events.
    async fn is_behind(&self, bench: &mut Bench) -> Result<bool> {
        let before = bench.receiver.count().await?.slots[BEHIND];
        tokio::time::sleep(LOOK).await;
        Ok(bench.receiver.count().await?.slots[BEHIND] > before)
    }

    /// Measures everything once over the log as it is, after it was started again.
    pub(crate) async fn measure(&mut self, bench: &mut Bench, number: usize) -> Result<Vec<(&'static str, f64)>> {
        let mut figures = Vec::new();
        // What comes first changes from run to run, because a machine's speed drifts.
        let is_reversed = number.is_multiple_of(2);
        if bench.options.wants(Row::Backlog) {
            let before = if is_reversed { None } else { Some(bench.empty_head().await?) };
            let head = self.head(bench).await?;
            let empty = match before {
                Some(empty) => empty,
                None => bench.empty_head().await?,
            };
            let (short, long) = (self.drain_short(bench).await?, self.drain(bench).await?);
            figures.push(("backlog_head", head.deliveries_per_s / empty.deliveries_per_s));
            figures.push(("backlog_drain", long / short));
        }
        if bench.options.wants(Row::Behind) {
            let before = if is_reversed { None } else { Some(self.head(bench).await?) };
            let beside = self.head_beside(bench, Mode::Delay(SLOW_MS)).await?.head;
            let alone = match before {
                Some(alone) => alone,
                None => self.head(bench).await?,
            };
            figures.push(("behind_slow", beside.deliveries_per_s / alone.deliveries_per_s));
            figures.push(("behind_slow_p99", beside.p99_ms / alone.p99_ms));
            self.measure_catching_up(bench, alone, &mut figures).await?;
        }
        bench.settle().await?;
        Ok(figures)
    }

    /// Full load to a stream at the head beside one that is behind.
    async fn head_beside(&mut self, bench: &mut Bench, mode: Mode) -> Result<Beside> {
        let (kind, events) = (bench.one_by_one(), bench.sizes.single);
        let behind = self.stream_behind(bench, mode).await?;
        let head = self.session.head(&mut bench.receiver, kind, events).await?;
        let is_behind = self.is_behind(bench).await?;
        self.session.stream_end(&mut bench.receiver, &behind).await?;
        Ok(Beside { head, is_behind })
    }

    /// A stream that catches up at full speed beside one at the head, of which `alone` is known. One that has
    /// caught up before the end tells nothing.
    async fn measure_catching_up(
        &mut self,
        bench: &mut Bench,
        alone: Head,
        figures: &mut Vec<(&'static str, f64)>,
    ) -> Result<()> {
        let Beside { head, is_behind } = self.head_beside(bench, Mode::Normal).await?;
        if is_behind {
            figures.push(("behind_fast", head.deliveries_per_s / alone.deliveries_per_s));
        }
        let alone = self.steady(bench).await?;
        let behind = self.stream_behind(bench, Mode::Normal).await?;
        let (kind, events) = (bench.one_by_one(), bench.sizes.steady_s * u64::from(RATE) / 2);
        let steady = self.session.steady(&mut bench.receiver, kind, events, RATE).await?;
        if self.is_behind(bench).await? {
            figures.extend([
                ("behind_steady_p50", steady.p50_ms),
                ("behind_steady_p99", steady.p99_ms),
                ("behind_steady_times", steady.p99_ms / alone.p99_ms),
            ]);
        }
        self.session.stream_end(&mut bench.receiver, &behind).await
    }
}

/// What came out at the head beside a stream that is behind.
struct Beside {
    head: Head,
    /// Whether that one still was in the end.
    is_behind: bool,
}

/// Deliveries a second to a new stream that reads a log from its beginning; only as many as the row `drain` has.
async fn drain_part(session: &mut Session, bench: &mut Bench) -> Result<f64> {
    bench.settle().await?;
    bench.receiver.reset(Records::Nothing).await?;
    let began_ns = now_ns();
    let stream = session.stream_from_beginning(&bench.receiver, 0).await?;
    let count = bench.receiver.wait_for_at_least(bench.sizes.backlog).await?;
    let rate = per_second(count.requests, seconds_between(began_ns, count.last_ns));
    session.stream_end(&mut bench.receiver, &stream).await?;
    Ok(rate)
}
