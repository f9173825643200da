//! Users (management-api.md 6.1). Their changes raise events.

pub(crate) mod by_email;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod identities;
pub(crate) mod list;
pub(crate) mod organizations;
mod password;
pub(crate) mod roles;
pub(crate) mod update;

use domain::change::Versioned;
use domain::ids::UserId;
use domain::user::User;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::query::Selection;
use crate::wire::reader::{Field, Invalid};

const USER_ID: Field = Field::new("id", "ID of the user.");

fn user_id(call: &Call) -> Result<UserId, Invalid> {
    call.segment(USER_ID).map(UserId::from_text)
}

/// A user who must be there.
pub(super) async fn stored(call: &Call, id: &UserId) -> Result<Versioned<User>, ApiError> {
    call.state().user_get(call.tenant(), id).await?.ok_or(ApiError::NotFound(Missing::User))
}

/// The members of a user that were asked for.
fn selected(user: &User, selection: &Selection) -> Result<Map<String, Value>, ApiError> {
    match serde_json::to_value(user) {
        Ok(Value::Object(mut members)) => {
            selection.apply(&mut members);
            Ok(members)
        }
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(ApiError::Internal("a user cannot be written as JSON", error.into())),
    }
}
