//! Actions: a tenant's own code, one run an event.

use std::sync::Arc;

use async_trait::async_trait;
use domain::action::ActionCode;
use domain::delivery::{FailureKind, Outcome};
use domain::ids::ActionId;
use store::DeployedActions;
use tokio::sync::OnceCell;

use super::{Delivery, Destination};
use crate::actions::{ActionRuns, ActionRuntime, message_of, not_run};

/// A stream's action. A version that is deployed later has a destination of its own, since the stream counts as changed.
pub(super) struct ActionDestination {
    action: ActionId,
    deployed: Arc<dyn DeployedActions>,
    /// Read at the first delivery.
    code: OnceCell<ActionCode>,
    runs: ActionRuns,
}

impl ActionDestination {
    pub(super) fn new(action: ActionId, deployed: Arc<dyn DeployedActions>, runtime: &ActionRuntime) -> Self {
        Self { action, deployed, code: OnceCell::new(), runs: runtime.runs_of(action) }
    }

    async fn code(&self) -> Result<&ActionCode, Outcome> {
        let load = || async {
            let deployed = self.deployed.action_deployed(self.action).await;
            let deployed = deployed.map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "a deployed action cannot be read");
                not_run(FailureKind::Unreachable, "the action could not be read from the store")
            })?;
            let deployed = deployed.ok_or_else(|| {
                not_run(FailureKind::Refused, "the action does not exist any more, or has no deployed version")
            })?;
            Ok(ActionCode { code: deployed.code, secrets: deployed.secrets })
        };
        self.code.get_or_try_init(load).await
    }
}

#[async_trait]
impl Destination for ActionDestination {
    async fn deliver(&self, delivery: Delivery) -> Outcome {
        let code = match self.code().await {
            Ok(code) => code,
            Err(outcome) => return outcome,
        };
        let message = match &delivery.payload {
            Some(payload) => payload.clone(),
            None => match message_of(&delivery.event.event.body) {
                Ok(message) => message,
                Err(error) => return not_run(FailureKind::Refused, &format!("the event is not JSON: {error}")),
            },
        };
        self.runs.run(code, &message).await
    }
}
