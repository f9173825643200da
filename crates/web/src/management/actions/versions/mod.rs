//! Versions of actions: what was deployed.

pub(crate) mod deploy;
pub(crate) mod get;
pub(crate) mod list;

use domain::action::ActionVersion;
use domain::ids::{ActionId, ActionVersionId};

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const VERSION_ID: Field = Field::new("version_id", "The ID of the action version.");

fn version_id(call: &Call) -> Result<ActionVersionId, Invalid> {
    call.segment_id(VERSION_ID, "uuid", ActionVersionId::parse)
}

/// The version with an id.
async fn found(call: &Call, action: ActionId, id: ActionVersionId) -> Result<ActionVersion, ApiError> {
    let found = call.state().action_version_get(call.tenant(), action, id).await?;
    found.ok_or(ApiError::NotFound(Missing::ActionVersion))
}
