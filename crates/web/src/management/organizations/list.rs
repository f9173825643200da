//! `GET /api/v2/organizations`

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::paging::Paging;

/// Answers a page of organizations, oldest first, by number or by checkpoint.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organizations"])?;
    let query = call.query();
    query.refuse(&["q", "sort"])?;
    let paging = Paging::read(&query)?;
    let found = call.state().organization_slice(call.tenant(), paging.slice()).await?;
    let total = match paging.wants_total() {
        true => Some(call.state().organization_count(call.tenant()).await?),
        false => None,
    };
    Ok(paging.answer("organizations", found, total, |organization| organization))
}
