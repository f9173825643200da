//! `GET …/Users`

use domain::scim::{ScimFilter, ScimUserId};
use serde_json::Value;
use store::ScimUserFilter;

use super::resource;
use crate::scim::answer;
use crate::scim::call::{ScimCall, ScimCaller};
use crate::scim::error::{ScimAnswer, ScimError};
use crate::scim::list::{Attributes, Listing};

/// Answers a page of users: oldest first, unless they are to be sorted.
pub(crate) async fn list(caller: ScimCaller) -> ScimAnswer {
    let call = caller.authorise("get:users")?;
    let query = call.query();
    let listing = Listing::read(&query)?;
    let attributes = Attributes::read(&query);
    let (indexed, is_all) = listing.filter.as_ref().map_or((ScimUserFilter::default(), true), indexed);
    let (found, total) = if is_all && !listing.is_sorted() {
        let id = &call.connection.id;
        let total = call.state().scim_user_count(call.tenant(), id, indexed.clone()).await?;
        let found = call.state().scim_user_page(call.tenant(), id, indexed, listing.page).await?;
        (found.iter().map(|user| resource(&call, user)).collect(), total)
    } else {
        looked_at(&call, &listing, indexed).await?
    };
    let resources: Vec<Value> = found.into_iter().map(|resource| attributes.apply(resource)).collect();
    Ok(answer::list(&resources, total, listing.start_index))
}

/// Looks at each user whom the store finds.
async fn looked_at(
    call: &ScimCall,
    listing: &Listing,
    indexed: ScimUserFilter,
) -> Result<(Vec<Value>, u64), ScimError> {
    let id = &call.connection.id;
    let total = call.state().scim_user_count(call.tenant(), id, indexed.clone()).await?;
    let mut resources = Vec::new();
    for step in Listing::steps(total)? {
        let found = call.state().scim_user_page(call.tenant(), id, indexed.clone(), step).await?;
        resources.extend(found.iter().map(|user| resource(call, user)));
    }
    Ok(listing.arranged(resources))
}

/// What of a filter the store has an index for, and whether that is all of it.
fn indexed(asked: &ScimFilter) -> (ScimUserFilter, bool) {
    let mut filter = ScimUserFilter::default();
    let mut is_all = asked.is_of_equalities();
    for (path, value) in asked.equalities() {
        let text = value.as_str().map(str::to_owned);
        // The store knows one address of each user, so it cannot tell whom another condition leaves.
        let is_email = asked.is_of_equalities() && path.as_str().to_ascii_lowercase().starts_with("emails");
        match text {
            Some(text) if path.is_of("userName") && filter.user_name.is_none() => filter.user_name = Some(text),
            Some(text) if path.is_of("externalId") && filter.external_id.is_none() => filter.external_id = Some(text),
            Some(text) if is_email && filter.email.is_none() => filter.email = Some(text),
            Some(text) if path.is_of("id") && filter.id.is_none() => filter.id = Some(ScimUserId::from_text(text)),
            _ => is_all = false,
        }
    }
    (filter, is_all)
}
