//! How fast the server is, as ratios to yardsticks that are measured in the same run.
//!
//! Read `README.md` beside this crate first. Three processes share one machine: this one (the load generator), the
//! receiver (`bench receiver`) and the server as it is shipped. `run` says what is measured when, `rows` measures it,
//! `figures` knows what is required.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program that measures is at the edge: it reads clocks and the environment, connects and prints"
)]

mod allocations;
mod backlog;
mod bodies;
mod clock;
mod connection;
mod disk;
mod figures;
mod growth;
mod load;
mod machine;
mod options;
mod page;
mod plot;
mod process;
mod receiver;
mod report;
mod rows;
mod run;
mod server;
mod session;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use options::Options;

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
        None => block_on(line.options.threads, unless_stopped(run::everything(line.options))),
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
