//! Roles (management-api.md 6.4). Their changes raise nothing.

pub(crate) mod assign;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod list_users;
pub(crate) mod update;

use domain::change::Versioned;
use domain::ids::RoleId;
use domain::role::Role;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const ROLE_ID: Field = Field::new("id", "ID of the role.");

pub(super) fn role_id(call: &Call) -> Result<RoleId, Invalid> {
    call.segment(ROLE_ID).map(RoleId::from_text)
}

/// A role that must be there.
pub(super) async fn stored(call: &Call, id: &RoleId) -> Result<Versioned<Role>, ApiError> {
    call.state().role_get(call.tenant(), id).await?.ok_or(ApiError::NotFound(Missing::Role))
}
