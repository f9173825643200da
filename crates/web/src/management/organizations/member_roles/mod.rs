//! The roles of a member of an organization.

pub(crate) mod assign;
pub(crate) mod list;
pub(crate) mod remove;

use domain::change::Member;
use domain::ids::UserId;

use super::{organization_id, stored};
use crate::call::Call;
use crate::error::{ApiError, Missing};
use crate::wire::reader::{Field, Invalid};

const USER_ID: Field = Field::new("user_id", "ID of the user to associate roles with.");

/// The member that the path names.
fn member_of(call: &Call) -> Result<Member, Invalid> {
    let user = call.segment(USER_ID).map(UserId::from_text)?;
    Ok(Member { organization: organization_id(call)?, user })
}

/// Checks that somebody is a member.
async fn check_member(call: &Call, member: &Member) -> Result<(), ApiError> {
    stored(call, &member.organization).await?;
    let user = std::slice::from_ref(&member.user);
    let found = call.state().members_among(call.tenant(), &member.organization, user).await?;
    if found.is_empty() { Err(ApiError::NotFound(Missing::Member)) } else { Ok(()) }
}
