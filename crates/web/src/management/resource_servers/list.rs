//! `GET /api/v2/resource-servers`

use domain::resource_server::ResourceServer;
use serde::Serialize;
use store::Page;

use super::management_api;
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::listing;
use crate::wire::resource_server::ManagementApi;

#[derive(Serialize)]
#[serde(untagged)]
enum Listed {
    System(ManagementApi),
    Own(ResourceServer),
}

/// Answers a page of APIs without their secrets: the Management API first, then those of the tenant, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:resource_servers"])?;
    let offset = call.query().offset()?;
    let system = &call.served.management_api.identifier;
    let mut listed = Vec::new();
    let mut page = offset.page;
    if page.offset == 0 {
        listed.push(Listed::System(management_api(&call).await?.0));
        page = Page { offset: 0, limit: page.limit - 1 };
    } else {
        page.offset -= 1;
    }
    let own = call.state().resource_server_page(call.tenant(), system, page).await?;
    listed.extend(own.into_iter().map(Listed::Own));
    let total = match offset.include_totals {
        true => Some(call.state().resource_server_count(call.tenant(), system).await? + 1),
        false => None,
    };
    Ok(listing::by_offset("resource_servers", offset.page, total, &listed))
}
