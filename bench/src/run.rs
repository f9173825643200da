//! What is measured when, and how often.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::backlog::Backlog;
use crate::disk;
use crate::figures::Results;
use crate::growth::{self, Curve, OverLog};
use crate::machine::{Machine, Watched, measure_quietly};
use crate::options::Options;
use crate::page;
use crate::plot;
use crate::report::{self, Asked};
use crate::rows::{Bench, Measured, Row};

/// How long one measurement may take, its repetitions included: what hangs must not take the rest of the run with it.
const ROW_MAX: Duration = Duration::from_secs(600);
/// How long filling the long backlog and measuring it may take.
const LONG_MAX: Duration = Duration::from_secs(3600);

/// A run on its way.
struct Run {
    bench: Bench,
    asked: Asked,
    machine: Machine,
    results: Results,
    curves: Vec<Curve>,
    record: PathBuf,
    began: Instant,
}

/// Runs everything that is asked for; false if a row could not be measured.
pub(crate) async fn everything(options: Options) -> Result<bool> {
    let work = options.work_folder()?;
    fs::create_dir_all(&work).with_context(|| format!("{} cannot be made", work.display()))?;
    let machine = Machine::read();
    println!("{}", machine.describe());
    let bench = Box::pin(Bench::new(options.clone())).await?;
    if !bench.abilities.start_from {
        println!(
            "this server starts no stream in the past: a backlog is made behind a receiver that holds its answers"
        );
    }
    let mut run = Run {
        asked: Asked::new(&options, &bench.sizes),
        bench,
        machine,
        results: Results::default(),
        curves: Vec::new(),
        record: work.join("results.json"),
        began: Instant::now(),
    };
    for number in 1..=options.runs {
        Box::pin(run.once(number)).await?;
        run.write()?;
    }
    if options.wants(Row::Allocations) {
        Box::pin(run.allocations()).await;
    }
    if options.wants(Row::Backlog) || options.wants(Row::Behind) || options.growth {
        Box::pin(run.long_log()).await;
        run.write()?;
    }
    if options.growth {
        Box::pin(run.growth()).await;
    }
    run.end()
}

/// Gives up after so long.
async fn within<T>(most: Duration, measuring: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(most, measuring).await.with_context(|| format!("not done after {} s", most.as_secs()))?
}

impl Run {
    /// Says what is measured now, and since when the run goes.
    fn say(&self, what: &str) {
        println!("[{:>4} s] {what}", self.began.elapsed().as_secs());
    }

    fn write(&self) -> Result<()> {
        report::write(&self.record, &self.asked, &self.machine, &self.results, &self.curves)
    }

    /// Keeps what a row found, or why it found nothing.
    fn keep(&mut self, row: Row, what: &str, found: Result<Watched<Measured>>) {
        match found {
            Ok(Watched { measured: Measured::Skipped(why), .. }) => {
                println!("  skipped: {}: {why}", row.name());
                self.results.skipped.insert(row.name(), why);
            }
            Ok(Watched { measured: Measured::Figures(_), disturbed: Some(why) }) => {
                println!("  {what} is not counted: {why}");
                self.results.disturbed.push(format!("{what}: {why}"));
            }
            Ok(Watched { measured: Measured::Figures(figures), disturbed: None }) => {
                let shown: Vec<_> = figures.iter().map(|(key, figure)| format!("{key} {figure:.3}")).collect();
                println!("  {}", shown.join(", "));
                self.results.add(&figures);
            }
            Err(error) => self.failed(what, &error),
        }
    }

    fn failed(&mut self, what: &str, error: &anyhow::Error) {
        println!("  {what} failed: {error:#}");
        self.results.failed.push(format!("{what}: {error:#}"));
    }

    /// Measures the yardsticks and every row once.
    async fn once(&mut self, number: usize) -> Result<()> {
        let Some(first_bare) = self.yardsticks(number).await? else { return Ok(()) };
        for row in Row::EACH_RUN.into_iter().filter(|row| self.bench.options.wants(*row)).collect::<Vec<_>>() {
            let what = format!("{}, run {number}", row.name());
            self.say(&what);
            let own = [self.bench.receiver.pid()];
            let bench = &mut self.bench;
            let measuring = measure_quietly(&own, async || {
                if !row.is_ratio() {
                    return bench.measure(row, first_bare).await;
                }
                // A machine's speed drifts: what is compared with B is measured right after it.
                let bare = bench.bare().await?;
                let mut measured = bench.measure(row, bare).await?;
                if let Measured::Figures(figures) = &mut measured {
                    figures.push(("bare", bare));
                }
                Ok(measured)
            });
            let found = Box::pin(within(ROW_MAX, measuring)).await;
            self.keep(row, &what, found);
        }
        Ok(())
    }

    /// Measures the disk and B; answers B, unless it was disturbed: then this run has no ratios.
    async fn yardsticks(&mut self, number: usize) -> Result<Option<f64>> {
        let own = [self.bench.receiver.pid()];
        let bench = &mut self.bench;
        let watched = measure_quietly(&own, async || Ok((disk::measure(&bench.work)?, bench.bare().await?))).await?;
        let (disk, bare) = watched.measured;
        if let Some(why) = watched.disturbed {
            self.results.disturbed.push(format!("all of run {number}: {why}"));
            return Ok(None);
        }
        self.say(&format!("run {number}: B {bare:.0}/s, fdatasync {:.3} ms", disk.flush_ms));
        self.results.add(&[("bare", bare), ("flush", disk.flush_ms), ("grouped", disk.grouped_events_per_s)]);
        Ok(Some(bare))
    }

    /// Counts allocations, once: others' use of the machine changes nothing in them.
    async fn allocations(&mut self) {
        self.say("allocations");
        let found = within(ROW_MAX, self.bench.allocations()).await;
        let found = found.map(|found| Watched {
            measured: found.map_or_else(Measured::Skipped, Measured::Figures),
            disturbed: None,
        });
        self.keep(Row::Allocations, "allocations", found);
    }

    /// Fills the long backlog once, and measures beside it.
    async fn long_log(&mut self) {
        let mut over = OverLog::new();
        let measured = Box::pin(within(LONG_MAX, self.long_log_into(&mut over))).await;
        self.curves.extend(over.curves().into_iter().filter(Curve::is_drawn));
        if let Err(error) = measured {
            self.failed("backlog", &error);
        }
        if let Err(error) = self.bench.settle().await {
            self.failed("backlog", &error);
        }
    }

    async fn long_log_into(&mut self, over: &mut OverLog) -> Result<()> {
        let events = self.bench.sizes.long;
        self.say(&format!("a backlog of {events} events"));
        let mut backlog = match Backlog::begin(&self.bench, events).await? {
            Ok(backlog) => backlog,
            Err(why) => {
                println!("  skipped: backlog: {why}");
                self.results.skipped.insert(Row::Backlog.name(), why);
                return Ok(());
            }
        };
        if self.bench.options.growth {
            for length in OverLog::lengths(events) {
                backlog.fill_to(&self.bench, length).await?;
                over.measure(&mut self.bench, &mut backlog, length).await?;
            }
        }
        backlog.fill_to(&self.bench, events).await?;
        let wants = |row| self.bench.options.wants(row);
        if !wants(Row::Backlog) && !wants(Row::Behind) {
            return Ok(());
        }
        for number in 1..=self.bench.options.runs {
            let what = format!("backlog, run {number}");
            self.say(&what);
            let found = Box::pin(within(ROW_MAX, self.beside(&mut backlog, number))).await;
            self.keep(Row::Backlog, &what, found);
        }
        Ok(())
    }

    /// Starts a server over the backlog again and measures beside it once.
    async fn beside(&mut self, backlog: &mut Backlog, number: usize) -> Result<Watched<Measured>> {
        let start = backlog.start_again().await?;
        let idle = backlog.memory()?.idle_mib;
        let own = backlog.processes(&self.bench);
        let bench = &mut self.bench;
        let watched = measure_quietly(&own, async || backlog.measure(bench, number).await).await?;
        let mut figures = watched.measured;
        if self.bench.options.wants(Row::Backlog) {
            let memory = [("backlog_memory", backlog.memory()?.most_mib), ("backlog_memory_idle", idle)];
            figures.extend([("backlog_start", start)].into_iter().chain(memory));
        }
        Ok(Watched { measured: Measured::Figures(figures), disturbed: watched.disturbed })
    }

    async fn growth(&mut self) {
        self.say("growth");
        let measuring = growth::measure(&mut self.bench, &mut self.curves);
        let measured = Box::pin(within(2 * ROW_MAX, measuring)).await;
        if let Err(error) = measured {
            self.failed("growth", &error);
        }
    }

    /// Shows and writes down everything.
    fn end(self) -> Result<bool> {
        println!("\n{}", report::table(&self.results));
        self.write()?;
        println!("written: {}", self.record.display());
        if self.bench.options.plots {
            let folder = self.bench.options.plots_folder()?;
            plot::write_all(&folder, &self.results, &self.curves)?;
            page::write(&folder, &self.asked, &self.machine, &self.results, &self.curves)?;
            println!("written: {}", folder.join("README.md").display());
        }
        self.say("done");
        Ok(self.results.failed.is_empty())
    }
}
