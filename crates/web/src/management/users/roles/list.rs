//! `GET /api/v2/users/{id}/roles`

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::users::{stored, user_id};
use crate::wire::listing;

/// Answers a page of a user's roles, in the order in which they were assigned.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:users"])?;
    let id = user_id(&call)?;
    let offset = call.query().offset()?;
    stored(&call, &id).await?;
    let roles = call.state().user_role_page(call.tenant(), &id, offset.page).await?;
    let total = match offset.include_totals {
        true => Some(call.state().user_role_count(call.tenant(), &id).await?),
        false => None,
    };
    Ok(listing::by_offset("roles", offset.page, total, &roles))
}
