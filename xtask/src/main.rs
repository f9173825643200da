//! The project's own chores.
//!
//! `cargo xtask test` is the one command for the tests: it installs what they need, runs every check and
//! reports what ran and what did not. `walls.rs` holds the rules that manifests alone cannot enforce.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod clients;
mod compatibility;
mod machine;
mod report;
mod steps;
mod walls;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage:
  cargo xtask test [--only STEP…]     install what the tests need and run all of them, or only these steps
  cargo xtask compatibility [--last-run]
                                      run the tests of the API and the stories, and write docs/compatibility.md from
                                      what they show; or from what the last run has shown
  cargo xtask walls                   check the walls between the crates
  cargo xtask simulate --seeds N      play N schedules of the delivery core's simulation (release build)
  cargo xtask hostile [FIRST_PORT]    start ill-behaved receivers on loopback (docs/hostile-receivers.md)
  cargo xtask bench [OPTION…]         measure the release build (--help lists the options; bench/README.md)";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = workspace_root()?;
    match words.as_slice() {
        ["test"] => steps::test(&root, &[]),
        ["test", "--only", only @ ..] if !only.is_empty() => steps::test(&root, only),
        ["compatibility"] => {
            steps::compatibility(&root)?;
            Ok(true)
        }
        ["compatibility", "--last-run"] => {
            steps::compatibility_of_last_run(&root)?;
            Ok(true)
        }
        ["walls"] => {
            println!("{}", walls::check(&root)?);
            Ok(true)
        }
        ["simulate", "--seeds", seeds] => {
            let seeds: u64 = seeds.parse().context("--seeds takes a number")?;
            steps::simulate(&root, seeds)?;
            Ok(true)
        }
        ["hostile", options @ ..] => {
            steps::hostile(&root, options)?;
            Ok(true)
        }
        ["bench", options @ ..] => {
            steps::bench(&root, options)?;
            Ok(true)
        }
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}\n\nsteps: {}", steps::names().join(" "));
            Ok(true)
        }
        _ => bail!("unknown arguments: {}\n{USAGE}", words.join(" ")),
    }
}

fn workspace_root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the workspace")?.to_owned())
}
