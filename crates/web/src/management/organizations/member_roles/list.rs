//! `GET /api/v2/organizations/{id}/members/{user_id}/roles`

use super::{check_member, member_of};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::listing;

/// Answers a page of the roles of a member, in the order in which they were assigned.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organization_member_roles"])?;
    let member = member_of(&call)?;
    let offset = call.query().offset()?;
    check_member(&call, &member).await?;
    let roles = call.state().member_role_page(call.tenant(), &member, offset.page).await?;
    let total = match offset.include_totals {
        true => Some(call.state().member_role_count(call.tenant(), &member).await?),
        false => None,
    };
    Ok(listing::by_offset("roles", offset.page, total, &roles))
}
