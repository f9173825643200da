//! A runner for the API to ask: what becomes of code, its text says. Whether real code runs is shown by the stories,
//! where the runtime is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::action::{ActionCode, CodeCheck, TestRun, TestRunReport};
use domain::delivery::{ConsoleLevel, ConsoleLine};
use web::ActionRunner;

/// Code that does not parse.
pub(crate) const BROKEN: &str = "exports.onExecuteEventStream = async (";
/// What is said of it.
pub(crate) const BROKEN_REASON: &str = "SyntaxError: unexpected token (line 1)";
/// Code for which there is no time.
pub(crate) const UNCHECKED: &str = "// not now";
/// Code that throws.
pub(crate) const THROWS: &str = "exports.onExecuteEventStream = async () => { throw new Error('no'); };";
/// Code that runs.
pub(crate) const RUNS: &str = "exports.onExecuteEventStream = async (event, api) => {};";

/// Code for which there is time when it is asked for again.
pub(crate) const LATER: &str = "// later";

#[derive(Default)]
pub(crate) struct ToldByCode {
    asked_before: AtomicBool,
}

#[async_trait]
impl ActionRunner for ToldByCode {
    async fn check(&self, code: ActionCode) -> CodeCheck {
        match &*code.code {
            "" => CodeCheck::Fails("exports.onExecuteEventStream is not a function".to_owned()),
            BROKEN => CodeCheck::Fails(BROKEN_REASON.to_owned()),
            UNCHECKED => CodeCheck::Unchecked,
            LATER if !self.asked_before.swap(true, Ordering::Relaxed) => CodeCheck::Unchecked,
            _ => CodeCheck::Runs,
        }
    }

    /// Writes what it was given.
    async fn run(&self, run: TestRun) -> TestRunReport {
        let line = |level, text| ConsoleLine { level, text };
        let secrets =
            run.code.secrets.iter().map(|(name, value)| format!("{name}: {} characters", value.expose().len()));
        let mut console = vec![line(ConsoleLevel::Log, run.message.to_string())];
        console.extend(secrets.map(|text| line(ConsoleLevel::Warn, text)));
        let error = (run.code.code == THROWS).then(|| "Error: no (line 1)".to_owned());
        TestRunReport { error, console, duration: Duration::from_micros(1500) }
    }
}
