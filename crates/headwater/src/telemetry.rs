//! Structured logs on standard error: text on a terminal, JSON otherwise.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::environment::Environment;

/// Starts logging. `RUST_LOG` decides what is logged, else `level` (the noisiest one wanted).
///
/// # Errors
/// If `RUST_LOG` cannot be understood.
pub(crate) fn start(environment: &Environment, level: &str) -> Result<()> {
    let directives = environment.get("RUST_LOG").unwrap_or(level);
    let filter = EnvFilter::try_new(directives)
        .with_context(|| format!("RUST_LOG: expected something like info or web=debug, found {directives:?}"))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.with_ansi(environment.get("NO_COLOR").is_none()).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
