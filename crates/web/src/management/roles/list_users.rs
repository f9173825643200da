//! `GET /api/v2/roles/{id}/users`

use super::{role_id, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::paging::Paging;
use crate::wire::role::UserSummary;

/// Answers a page of the users who have a role, by number or by checkpoint, in the order in which they got it.
pub(crate) async fn list_users(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:role_members", "read:users"])?;
    let id = role_id(&call)?;
    let paging = Paging::read(&call.query())?;
    stored(&call, &id).await?;
    let found = call.state().role_user_slice(call.tenant(), &id, paging.slice()).await?;
    let total = match paging.wants_total() {
        true => Some(call.state().role_user_count(call.tenant(), &id).await?),
        false => None,
    };
    Ok(paging.answer("users", found, total, UserSummary::from))
}
