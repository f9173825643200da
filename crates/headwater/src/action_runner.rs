//! Runs actions for the API, which may not know delivery.

use std::time::Duration;

use async_trait::async_trait;
use domain::action::{ActionCode, CodeCheck, TestRun, TestRunReport};
use web::ActionRunner;

/// What runs actions where there is nothing that does.
pub(crate) struct NoRuntime;

#[async_trait]
impl ActionRunner for NoRuntime {
    async fn check(&self, _code: ActionCode) -> CodeCheck {
        CodeCheck::Unchecked
    }

    async fn run(&self, _run: TestRun) -> TestRunReport {
        let error = Some("this server does not run actions".to_owned());
        TestRunReport { error, console: Vec::new(), duration: Duration::ZERO }
    }
}
