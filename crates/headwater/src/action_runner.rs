//! Runs actions for the API, which may not know delivery.

use async_trait::async_trait;
use delivery::actions::ActionRuntime;
use domain::action::{ActionCode, CodeCheck, TestRun, TestRunReport};
use web::ActionRunner;

/// What runs actions for streams runs them for the API too.
pub(crate) struct RuntimeRunner(pub(crate) ActionRuntime);

#[async_trait]
impl ActionRunner for RuntimeRunner {
    async fn check(&self, code: ActionCode) -> CodeCheck {
        self.0.check(&code).await
    }

    async fn run(&self, run: TestRun) -> TestRunReport {
        self.0.test(&run.code, run.message.to_string().into()).await
    }
}
