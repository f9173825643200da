//! `GET …/Groups`

use domain::ids::GroupId;
use domain::scim::{ScimFault, ScimFilter};
use store::GroupFilter;

use super::resource;
use crate::scim::answer;
use crate::scim::call::{ScimCall, ScimCaller};
use crate::scim::error::ScimAnswer;
use crate::scim::list::{Attributes, Listing};

/// Answers a page of groups, oldest first.
pub(crate) async fn list(caller: ScimCaller) -> ScimAnswer {
    let call = caller.authorise("get:groups")?;
    let query = call.query();
    let listing = Listing::read(&query)?;
    let attributes = Attributes::read(&query);
    let Some(filter) = filter_of(&call, listing.filter.as_ref())? else {
        return Ok(answer::list(&[], 0, listing.start_index));
    };
    let total = call.state().group_count(call.tenant(), filter.clone()).await?;
    let found = call.state().group_page(call.tenant(), filter, listing.page).await?;
    let mut resources = Vec::with_capacity(found.len());
    for group in &found {
        resources.push(resource(&call, group, &attributes).await?);
    }
    Ok(answer::list(&resources, total, listing.start_index))
}

/// What groups can be found by; none, if no group can have what is asked for.
fn filter_of(call: &ScimCall, asked: Option<&ScimFilter>) -> Result<Option<GroupFilter>, ScimFault> {
    let mut filter = GroupFilter { connection: Some(call.connection.id.clone()), ..GroupFilter::default() };
    for (path, value) in asked.into_iter().flat_map(ScimFilter::comparisons) {
        let text = value.as_str().map(str::to_owned);
        let text = text.ok_or_else(|| ScimFault::filter(format!("{path} is compared with a text")))?;
        if path.is_of("displayName") && filter.name.is_none() {
            filter.name = Some(text);
        } else if path.is_of("externalId") && filter.external_id.is_none() {
            filter.external_id = Some(text);
        } else if path.is_of("id") && filter.id.is_none() {
            let Ok(id) = GroupId::parse(&text) else { return Ok(None) };
            filter.id = Some(id);
        } else {
            let detail = format!("groups can be found by id, displayName and externalId, each once, but not by {path}");
            return Err(ScimFault::filter(detail));
        }
    }
    Ok(Some(filter))
}
