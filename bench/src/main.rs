//! How fast the server is, as ratios to yardsticks that are measured in the same run.
//!
//! Read `README.md` beside this crate first. Three processes share one machine: this one (the load generator), the
//! receiver (`bench receiver`) and the server as it is shipped. `rows` measures, `figures` knows what is required.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program that measures is at the edge: it reads clocks and the environment, connects and prints"
)]

mod bodies;
mod clock;
mod connection;
mod disk;
mod figures;
mod growth;
mod load;
mod machine;
mod options;
mod plot;
mod process;
mod receiver;
mod report;
mod rows;
mod server;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use figures::Results;
use machine::{Machine, TRIES, Watch};
use options::Options;
use report::Asked;
use rows::{Bench, Measured, Row};

/// Measures the server against yardsticks of the same run.
#[derive(Parser)]
#[command(name = "bench")]
struct CommandLine {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Role {
    /// Be the receiver; a run starts it by itself.
    #[command(hide = true)]
    Receiver {
        #[arg(long, default_value_t = options::THREADS)]
        threads: usize,
    },
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let ended = match line.role {
        Some(Role::Receiver { threads }) => block_on(threads, receiver::serve()).map(|()| true),
        None => block_on(line.options.threads, unless_stopped(run(line.options))),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<T>(threads: usize, work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    runtime.context("the runtime cannot be started")?.block_on(work)
}

/// Gives up when it is told to, so that the processes it started end with it.
async fn unless_stopped(work: impl Future<Output = Result<bool>>) -> Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        ended = work => ended,
        _ = terminate.recv() => bail!("stopped"),
        _ = interrupt.recv() => bail!("stopped"),
    }
}

/// Runs everything that is asked for; false if a row could not be measured.
async fn run(options: Options) -> Result<bool> {
    let work = options.work_folder()?;
    fs::create_dir_all(&work).with_context(|| format!("{} cannot be made", work.display()))?;
    let machine = Machine::read();
    println!("{}", machine.describe());
    let asked = Asked { runs: options.runs, quick: options.quick, connections: options.connections };
    let mut bench = Box::pin(Bench::new(options.clone())).await?;
    if !bench.abilities.start_from {
        println!(
            "this server starts no stream in the past: a backlog is made behind a receiver that holds its answers"
        );
    }
    let mut results = Results::default();
    for number in 1..=options.runs {
        Box::pin(run_once(&mut bench, number, &mut results)).await?;
    }
    let curves = if options.growth {
        Box::pin(growth::measure(&mut bench, &options, |line| println!("  {line}"))).await?
    } else {
        Vec::new()
    };
    println!("\n{}", report::table(&results));
    let path = work.join("results.json");
    report::write(&path, &asked, &machine, &results, &curves)?;
    println!("written: {}", path.display());
    if options.plots {
        let folder = Options::plots_folder();
        let names = plot::write_all(&folder, &results, &curves)?;
        println!("written: {} in docs/performance", names.join(", "));
    }
    Ok(results.failed.is_empty())
}

/// Measures the yardsticks and every row once.
async fn run_once(bench: &mut Bench, number: usize, results: &mut Results) -> Result<()> {
    let Some(first_bare) = yardsticks(bench, number, results).await? else { return Ok(()) };
    let wanted: Vec<_> = Row::ALL.into_iter().filter(|row| bench.options.wants(*row)).collect();
    for row in wanted {
        let what = format!("{}, run {number}", row.name());
        for again in (0..TRIES).rev() {
            machine::wait_until_quiet().await;
            let watch = Watch::begin(bench.receiver.pid());
            // A machine's speed drifts: what is compared with B is measured right after it.
            let bare = if row.is_ratio() { bench.bare().await? } else { first_bare };
            let measured = bench.measure(row, bare).await;
            let disturbed = watch.disturbed();
            match (measured, disturbed) {
                (Ok(Measured::Skipped(why)), _) => {
                    results.skipped.insert(row.name(), why);
                }
                (Ok(Measured::Figures(_)), Some(_)) if again > 0 => continue,
                (Ok(Measured::Figures(_)), Some(why)) => results.disturbed.push(format!("{what}: {why}")),
                (Ok(Measured::Figures(figures)), None) => {
                    let shown: Vec<_> = figures.iter().map(|(key, figure)| format!("{key} {figure:.3}")).collect();
                    println!("  {}", shown.join(", "));
                    results.add(&figures);
                    if row.is_ratio() {
                        results.add(&[("bare", bare)]);
                    }
                }
                (Err(error), _) => {
                    println!("  {what} failed: {error:#}");
                    results.failed.push(format!("{what}: {error:#}"));
                }
            }
            break;
        }
    }
    Ok(())
}

/// Measures the disk and B; answers B, unless it was disturbed: then this run has no ratios.
async fn yardsticks(bench: &mut Bench, number: usize, results: &mut Results) -> Result<Option<f64>> {
    let mut disturbed = None;
    for _ in 0..TRIES {
        machine::wait_until_quiet().await;
        let watch = Watch::begin(bench.receiver.pid());
        let disk = disk::measure(&bench.work)?;
        let bare = bench.bare().await?;
        disturbed = watch.disturbed();
        if disturbed.is_none() {
            println!("run {number}: B {bare:.0}/s, fdatasync {:.3} ms", disk.flush_ms);
            results.add(&[("bare", bare), ("flush", disk.flush_ms), ("grouped", disk.grouped_events_per_s)]);
            return Ok(Some(bare));
        }
    }
    results.disturbed.extend(disturbed.map(|why| format!("all of run {number}: {why}")));
    Ok(None)
}
