//! Actions: code of the tenant's own that runs for each event.

use crate::ids::ActionId;

/// The settings of a destination that is an action.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActionDestination {
    /// The action whose deployed version runs.
    pub action_id: ActionId,
}
