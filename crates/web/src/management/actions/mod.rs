//! Actions (management-api.md 6.9): code of the tenant's own that streams can have as their destination.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deploy;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod list_triggers;
pub(crate) mod test;
pub(crate) mod update;
pub(crate) mod versions;

use domain::action::{Action, Build};
use domain::change::Versioned;
use domain::ids::ActionId;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::payload::Payload;
use crate::wire::reader::{Field, Invalid, ObjectReader};

/// The largest body: the longest code and the longest secrets fit in, however they are escaped.
const BODY_BYTES_MAX: usize = 1024 * 1024;

const ID: Field = Field::new("id", "The ID of the action.");

fn id(call: &Call) -> Result<ActionId, Invalid> {
    call.segment_id(ID, "uuid", ActionId::parse)
}

async fn body(payload: Payload) -> Result<ObjectReader, ApiError> {
    payload.up_to(BODY_BYTES_MAX).object().await
}

/// The action with an id.
async fn found(call: &Call, id: ActionId) -> Result<Versioned<Action>, ApiError> {
    let found = call.state().action_get(call.tenant(), id).await?;
    found.ok_or(ApiError::NotFound(Missing::Action))
}

/// Has the draft looked at if that has not been done yet.
async fn build(call: &Call, action: &mut Action) {
    if action.build == Build::Pending {
        let check = call.app.runner.check(action.draft.code()).await;
        action.build = check.build(call.app.now());
    }
}
