//! `GET /api/v2/resource-servers`

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::listing;

/// Answers the one API that there is.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:resource_servers"])?;
    let offset = call.query().offset()?;
    let all = [&call.served.management_api];
    let on_page = if offset.page.offset == 0 { &all[..] } else { &[] };
    Ok(listing::by_offset("resource_servers", offset.page, offset.include_totals.then_some(1), on_page))
}
