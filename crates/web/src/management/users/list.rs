//! `GET /api/v2/users`

use super::selected;
use crate::call::Authenticated;
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::listing;

/// How far one can page.
const RECORDS_MAX: u32 = 1000;

/// Parameters that narrow or order the list and are not built yet.
const UNSUPPORTED: &[&str] = &["q", "sort", "connection", "identifier_filter"];

/// Answers a page of users, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:users"])?;
    let query = call.query();
    query.refuse(UNSUPPORTED)?;
    let offset = query.offset()?;
    let selection = query.selection()?;
    if offset.page.offset.saturating_add(offset.page.limit) > RECORDS_MAX {
        return Err(ApiError::Refused(Refusal::PagingTooFar));
    }
    let users = call.state().user_page(call.tenant(), offset.page).await?;
    let total = match offset.include_totals {
        true => Some(call.state().user_count(call.tenant()).await?),
        false => None,
    };
    match selection {
        None => Ok(listing::by_offset_with_length("users", offset.page, total, &users)),
        Some(selection) => {
            let users = users.iter().map(|user| selected(user, &selection)).collect::<Result<Vec<_>, _>>()?;
            Ok(listing::by_offset_with_length("users", offset.page, total, &users))
        }
    }
}
