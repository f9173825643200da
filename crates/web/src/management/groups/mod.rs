//! Groups (management-api.md 6.5). They are made and filled by SCIM; here they are read and deleted.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod list_members;

use domain::change::Versioned;
use domain::group::Group;
use domain::ids::GroupId;

use crate::call::Call;
use crate::error::{Answer, ApiError, Missing};
use crate::wire::group::GroupAnswer;
use crate::wire::listing;
use crate::wire::query::next_of;
use crate::wire::reader::{Field, Invalid};

const GROUP_ID: Field = Field::new("id", "Unique identifier for the group (service-generated).");

pub(crate) fn group_id(call: &Call) -> Result<GroupId, Invalid> {
    call.segment_id(GROUP_ID, "group-id", GroupId::parse)
}

pub(crate) async fn stored(call: &Call, id: GroupId) -> Result<Versioned<Group>, ApiError> {
    call.state().group_get(call.tenant(), id).await?.ok_or(ApiError::NotFound(Missing::Group))
}

/// A page of groups; one more was read than is answered, which tells whether more follow.
pub(crate) fn answered(call: &Call, mut found: Vec<Group>, take: u32) -> Answer {
    let selection = call.query().selection()?;
    let more = found.len() > take as usize;
    found.truncate(take as usize);
    let next = found.last().filter(|_| more).map(|last| next_of(&last.id));
    let answers: Vec<GroupAnswer<'_>> =
        found.iter().map(|group| GroupAnswer::new(group, &call.served.tenant.name)).collect();
    match selection {
        None => Ok(listing::by_checkpoint("groups", &answers, next)),
        Some(selection) => Ok(listing::by_checkpoint("groups", &selection.of_all(&answers), next)),
    }
}
