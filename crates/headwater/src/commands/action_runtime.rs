//! `headwater action-runtime`: the process that runs actions, which a server starts for itself.

use std::process::ExitCode;
use std::sync::Arc;

use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;

/// Runs actions until the server closes the other end. Nothing of what a server has is set up here: no environment,
/// no logs, no runtime.
pub(crate) fn run() -> ExitCode {
    delivery::actions::serve(Arc::new(SystemClock::new()), Arc::new(SystemEntropy))
}
