//! Organizations (management-api.md 6.3). Their changes raise events, all in the lane of the organization.

pub(crate) mod connections;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod member_roles;
pub(crate) mod members;
pub(crate) mod update;

use domain::change::Versioned;
use domain::ids::OrganizationId;
use domain::organization::Organization;

use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const ORGANIZATION_ID: Field = Field::new("id", "Organization identifier.");

/// The organization that the path names.
pub(crate) fn organization_id(call: &Call) -> Result<OrganizationId, Invalid> {
    call.segment(ORGANIZATION_ID).map(OrganizationId::from_text)
}

/// An organization that must be there.
pub(crate) async fn stored(call: &Call, id: &OrganizationId) -> Result<Versioned<Organization>, ApiError> {
    call.state().organization_get(call.tenant(), id).await?.ok_or(ApiError::NotFound(Missing::Organization))
}
