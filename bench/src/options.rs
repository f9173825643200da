//! What a run is asked to do.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::rows::Row;

/// Threads of the load generator and of the receiver: with one each, B is lower.
pub(crate) const THREADS: usize = 2;

/// Runs, so that there are medians and spreads.
const RUNS: usize = 5;

/// The command line of a run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// How often everything is measured.
    #[arg(long, default_value_t = RUNS, value_name = "N")]
    pub(crate) runs: usize,
    /// Only these rows, with commas between.
    #[arg(long, value_delimiter = ',', value_name = "ROW")]
    pub(crate) only: Vec<Row>,
    /// Smaller counts: to see whether all of it works.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Events of the log with a long backlog [default: 10 million, with --quick 100,000].
    #[arg(long, value_name = "N")]
    pub(crate) backlog_events: Option<u64>,
    /// Also how the figures grow with the log, the streams, the fan-out and the receiver's latency (minutes).
    #[arg(long)]
    pub(crate) growth: bool,
    /// Write the plots and their page into docs/performance; what is less than a whole run, beside the results.
    #[arg(long)]
    pub(crate) plots: bool,
    /// Connections of the load generator.
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub(crate) connections: usize,
    /// Threads of the load generator, and of the receiver.
    #[arg(long, default_value_t = THREADS, value_name = "N")]
    pub(crate) threads: usize,
    /// The server to measure [default: the one beside this program].
    #[arg(long, value_name = "FILE")]
    pub(crate) headwater: Option<PathBuf>,
    /// Where data and results go; must be on a real disk [default: target/bench].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) work: Option<PathBuf>,
}

/// How much each row measures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Requests of the bare load generator.
    pub(crate) bare: u64,
    /// Events one by one.
    pub(crate) single: u64,
    /// Users.
    pub(crate) users: u64,
    /// Events in batches.
    pub(crate) batched: u64,
    /// Events that go to ten streams each.
    pub(crate) fanned_out: u64,
    /// Events that wait for a stream.
    pub(crate) backlog: u64,
    /// Seconds of steady load.
    pub(crate) steady_s: u64,
    /// Events that a server is killed amidst.
    pub(crate) crash: u64,
    /// Events that grow old, or among which those of erased users are.
    pub(crate) old: u64,
    /// Events of the long backlog.
    pub(crate) long: u64,
}

impl Options {
    pub(crate) fn sizes(&self) -> Sizes {
        let mut sizes = self.usual_sizes();
        sizes.long = self.backlog_events.unwrap_or(sizes.long);
        sizes
    }

    const fn usual_sizes(&self) -> Sizes {
        if self.quick {
            Sizes {
                bare: 60_000,
                single: 20_000,
                users: 10_000,
                batched: 40_000,
                fanned_out: 4_000,
                backlog: 40_000,
                steady_s: 3,
                crash: 10_000,
                old: 20_000,
                long: 100_000,
            }
        } else {
            Sizes {
                bare: 200_000,
                single: 80_000,
                users: 40_000,
                batched: 200_000,
                fanned_out: 20_000,
                backlog: 200_000,
                steady_s: 10,
                crash: 40_000,
                old: 200_000,
                long: 10_000_000,
            }
        }
    }

    /// Whether a row is asked for.
    pub(crate) fn wants(&self, row: Row) -> bool {
        self.only.is_empty() || self.only.contains(&row)
    }

    /// The folder of this program, where the server lies too.
    fn programs() -> Result<PathBuf> {
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        Ok(program.parent().context("a program lies in a folder")?.to_owned())
    }

    /// The server to measure.
    pub(crate) fn server_binary(&self) -> Result<PathBuf> {
        let binary = match &self.headwater {
            Some(binary) => binary.clone(),
            None => Self::programs()?.join("headwater"),
        };
        if !binary.is_file() {
            bail!("{} is not there; `cargo xtask bench` builds it", binary.display());
        }
        Ok(binary)
    }

    /// Where data and results go.
    pub(crate) fn work_folder(&self) -> Result<PathBuf> {
        match &self.work {
            Some(work) => Ok(work.clone()),
            None => Ok(Self::programs()?.parent().context("target/release lies in target")?.join("bench")),
        }
    }

    /// Whether everything is measured, and as often as it should be.
    pub(crate) const fn is_whole(&self) -> bool {
        !self.quick && self.only.is_empty() && self.backlog_events.is_none() && self.runs >= RUNS
    }

    /// Where the plots go: what is not whole is nothing to be published.
    pub(crate) fn plots_folder(&self) -> Result<PathBuf> {
        if self.is_whole() {
            Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance"))
        } else {
            Ok(self.work_folder()?.join("performance"))
        }
    }
}
