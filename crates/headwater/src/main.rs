//! The binary: reads the command line and the environment, and hands over to a command.
//!
//! Everything ambient is met here and passed on: the environment (`environment.rs`), the clocks (`clock.rs`),
//! randomness (`entropy.rs`). `lifecycle.rs` wires the crates together.

mod action_runner;
mod clock;
mod commands;
mod config;
mod control;
mod entropy;
mod environment;
mod keys;
mod lifecycle;
mod receiver;
mod rotation;
mod telemetry;
mod terminal;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;

use commands::Command;
use environment::Environment;

/// Event streams for identity, wire-compatible with Auth0's.
#[derive(Parser)]
#[command(name = "headwater", version, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

/// How long name look-ups and the like, which cannot be called off, may hold up the end of the process.
const LEFTOVERS_MAX: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let command = CommandLine::parse().command;
    if let Some(code) = command.run_alone() {
        return code;
    }
    match run(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let environment = Environment::read()?;
    telemetry::start(&environment, command.log_level())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the runtime cannot be started")?;
    let ended = runtime.block_on(Box::pin(command.run(environment)));
    runtime.shutdown_timeout(LEFTOVERS_MAX);
    ended
}
