//! `GET …/Groups`

use domain::ids::GroupId;
use domain::scim::ScimFilter;
use serde_json::Value;
use store::{GroupFilter, Page};

use super::{MEMBERS, resource};
use crate::scim::answer;
use crate::scim::call::{ScimCall, ScimCaller};
use crate::scim::error::{ScimAnswer, ScimError};
use crate::scim::list::{Attributes, Listing};

/// Answers a page of groups: oldest first, unless they are to be sorted.
pub(crate) async fn list(caller: ScimCaller) -> ScimAnswer {
    let call = caller.authorise("get:groups")?;
    let query = call.query();
    let listing = Listing::read(&query)?;
    let attributes = Attributes::read(&query);
    let Some((indexed, is_all)) = indexed(&call, listing.filter.as_ref()) else {
        return Ok(answer::list(&[], 0, listing.start_index));
    };
    let total = call.state().group_count(call.tenant(), indexed.clone()).await?;
    let (found, total) = if is_all && !listing.is_sorted() {
        (page(&call, indexed, listing.page, &attributes).await?, total)
    } else {
        looked_at(&call, &listing, indexed, total, &attributes).await?
    };
    let resources: Vec<Value> = found.into_iter().map(|resource| attributes.apply(resource)).collect();
    Ok(answer::list(&resources, total, listing.start_index))
}

async fn page(
    call: &ScimCall,
    indexed: GroupFilter,
    page: Page,
    attributes: &Attributes,
) -> Result<Vec<Value>, ScimError> {
    let found = call.state().group_page(call.tenant(), indexed, page).await?;
    let mut resources = Vec::with_capacity(found.len());
    for group in &found {
        resources.push(resource(call, group, attributes).await?);
    }
    Ok(resources)
}

/// Looks at each group that the store finds; at their members, where they are asked for.
async fn looked_at(
    call: &ScimCall,
    listing: &Listing,
    indexed: GroupFilter,
    total: u64,
    attributes: &Attributes,
) -> Result<(Vec<Value>, u64), ScimError> {
    let is_with_members = listing.asks_for(MEMBERS);
    let looking = if is_with_members { Attributes::all() } else { Attributes::all_but(MEMBERS) };
    let mut resources = Vec::new();
    for step in Listing::steps(total)? {
        resources.extend(page(call, indexed.clone(), step, &looking).await?);
    }
    let (mut found, total) = listing.arranged(resources);
    if attributes.has(MEMBERS) && !is_with_members {
        for resource in &mut found {
            let id = resource["id"].as_str().and_then(|id| GroupId::parse(id).ok());
            let id = id.expect("the resource was made of a group a moment ago");
            resource[MEMBERS] = super::members(call, id).await?;
        }
    }
    Ok((found, total))
}

/// What of a filter the store has an index for, and whether that is all of it; none, if no group can have what is
/// asked for.
fn indexed(call: &ScimCall, asked: Option<&ScimFilter>) -> Option<(GroupFilter, bool)> {
    let mut filter = GroupFilter { connection: Some(call.connection.id.clone()), ..GroupFilter::default() };
    let Some(asked) = asked else { return Some((filter, true)) };
    let mut is_all = asked.is_of_equalities();
    for (path, value) in asked.equalities() {
        match value.as_str().map(str::to_owned) {
            Some(text) if path.is_of("displayName") && filter.name.is_none() => filter.name = Some(text),
            Some(text) if path.is_of("externalId") && filter.external_id.is_none() => filter.external_id = Some(text),
            Some(text) if path.is_of("id") && filter.id.is_none() => filter.id = Some(GroupId::parse(&text).ok()?),
            _ => is_all = false,
        }
    }
    Some((filter, is_all))
}
