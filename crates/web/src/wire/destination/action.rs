//! Destinations of type `action`.

use domain::destination::ActionDestination;
use domain::ids::ActionId;
use serde::Serialize;

/// An action's configuration as it is answered.
#[derive(Serialize)]
pub(super) struct ActionAnswer {
    action_id: ActionId,
}

impl From<ActionDestination> for ActionAnswer {
    fn from(action: ActionDestination) -> Self {
        Self { action_id: action.action_id }
    }
}
