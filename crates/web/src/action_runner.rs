//! What the API needs of whatever runs actions. Running them is delivery's, which this crate never meets: the binary
//! brings a runner, and knows both.

use async_trait::async_trait;
use domain::action::{ActionCode, CodeCheck, TestRun, TestRunReport};

/// Runs the code of actions, bounded in time and in everything else, and never on behalf of a stream.
#[async_trait]
pub trait ActionRunner: Send + Sync {
    /// Whether code can run: it parses, and exports what is called.
    async fn check(&self, code: ActionCode) -> CodeCheck;

    /// Runs code once. What goes wrong in it stands in the report.
    async fn run(&self, run: TestRun) -> TestRunReport;
}
