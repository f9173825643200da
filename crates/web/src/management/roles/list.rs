//! `GET /api/v2/roles`

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::listing;

/// Answers a page of roles, oldest first; `name_filter` leaves those whose name contains it.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:roles"])?;
    let query = call.query();
    let offset = query.offset()?;
    let name = query.text("name_filter").filter(|name| !name.is_empty());
    let roles = call.state().role_page(call.tenant(), name, offset.page).await?;
    let total = match offset.include_totals {
        true => Some(call.state().role_count(call.tenant(), name).await?),
        false => None,
    };
    Ok(listing::by_offset("roles", offset.page, total, &roles))
}
