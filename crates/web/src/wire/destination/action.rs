//! Destinations of type `action`: the id of the action that runs for each event.

use domain::destination::ActionDestination;
use domain::ids::ActionId;
use serde::Serialize;

use crate::wire::reader::{Field, Invalid, ObjectReader, Part, Text};

const ACTION_ID_FIELD: Field = Field::new("action_id", "The action that runs for each event.");
const ACTION_ID: Text =
    Text::new(ACTION_ID_FIELD.name, ACTION_ID_FIELD.about).format("uuid", |text| ActionId::parse(text).is_ok());
const ACTION_ID_PLACE: &str = "destination.configuration.action_id";

/// An action as it is given. Whether there is one that is deployed, the store tells.
#[derive(Clone, Debug)]
pub(crate) struct GivenAction {
    action_id: ActionId,
}

impl GivenAction {
    /// What becomes of a stored destination: it stays.
    pub(super) fn unchanged(self, stored: &ActionDestination) -> Result<ActionDestination, Invalid> {
        if self.action_id == stored.action_id {
            return Ok(self.into());
        }
        let reason = "The action of an event stream cannot be changed; create another stream";
        Err(Invalid::new(Part::Payload, reason, ACTION_ID_PLACE, ACTION_ID_FIELD.about))
    }
}

impl From<GivenAction> for ActionDestination {
    fn from(given: GivenAction) -> Self {
        Self { action_id: given.action_id }
    }
}

pub(super) fn read(mut configuration: ObjectReader) -> Result<GivenAction, Invalid> {
    let action_id = configuration.text_required(&ACTION_ID)?;
    let action_id = ActionId::parse(&action_id).expect("its format was checked");
    configuration.finish()?;
    Ok(GivenAction { action_id })
}

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
