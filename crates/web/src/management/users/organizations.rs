//! `GET /api/v2/users/{id}/organizations`

use super::{stored, user_id};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::listing;

/// Answers a page of the organizations that a user is a member of, in the order in which the user joined.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organizations"])?;
    let id = user_id(&call)?;
    let offset = call.query().offset()?;
    stored(&call, &id).await?;
    let organizations = call.state().user_organization_page(call.tenant(), &id, offset.page).await?;
    let total = match offset.include_totals {
        true => Some(call.state().user_organization_count(call.tenant(), &id).await?),
        false => None,
    };
    Ok(listing::by_offset("organizations", offset.page, total, &organizations))
}
