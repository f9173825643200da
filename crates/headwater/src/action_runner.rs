//! Runs actions for the API, which may not know delivery.

use std::time::Duration;

use async_trait::async_trait;
use delivery::actions::ActionRuntime;
use domain::action::{ActionCode, CodeCheck, TestRun, TestRunReport};
use web::ActionRunner;

/// How long a caller waits to hear whether code can run; then the draft stays pending. Others may be before it.
const CHECK_WAIT_MAX: Duration = Duration::from_secs(30);

/// What runs actions for streams runs them for the API too.
pub(crate) struct RuntimeRunner(pub(crate) ActionRuntime);

#[async_trait]
impl ActionRunner for RuntimeRunner {
    async fn check(&self, code: ActionCode) -> CodeCheck {
        tokio::time::timeout(CHECK_WAIT_MAX, self.0.check(&code)).await.unwrap_or(CodeCheck::Unchecked)
    }

    async fn run(&self, run: TestRun) -> TestRunReport {
        self.0.test(&run.code, run.message.to_string().into()).await
    }
}
