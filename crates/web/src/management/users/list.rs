//! `GET /api/v2/users`

use store::{FoundUsers, Total};

use super::selected;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::{listing, user_search};

/// How far one can page.
const RECORDS_MAX: u32 = 1000;

/// A narrower search in the identity provider, which there is none of.
const UNSUPPORTED: &[&str] = &["identifier_filter"];

/// Answers a page of users, oldest first or sorted; with `q` or `connection` of those who are looked for.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:users"])?;
    let query = call.query();
    query.refuse(UNSUPPORTED)?;
    let search = user_search::read(&query)?;
    let offset = query.offset()?;
    let selection = query.selection()?;
    if offset.page.offset.saturating_add(offset.page.limit) > RECORDS_MAX {
        return Err(ApiError::Refused(Refusal::PagingTooFar));
    }
    let (tenant, total) = (call.tenant(), if offset.include_totals { Total::Wanted } else { Total::NotWanted });
    let FoundUsers { users, total } = if search.is_plain() {
        let users = call.state().user_page(tenant, offset.page).await?;
        let total = match total {
            Total::Wanted => Some(call.state().user_count(tenant).await?),
            Total::NotWanted => None,
        };
        FoundUsers { users, total }
    } else {
        call.state().user_search(tenant, search, offset.page, total).await?
    };
    match selection {
        None => Ok(listing::by_offset_with_length("users", offset.page, total, &users)),
        Some(selection) => {
            let users = users.iter().map(|user| selected(user, &selection)).collect::<Result<Vec<_>, _>>()?;
            Ok(listing::by_offset_with_length("users", offset.page, total, &users))
        }
    }
}
