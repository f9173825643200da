//! `GET …/Users`

use domain::scim::{ScimFault, ScimFilter, ScimUserId};
use serde_json::Value;
use store::ScimUserFilter;

use super::resource;
use crate::scim::answer;
use crate::scim::call::ScimCaller;
use crate::scim::error::ScimAnswer;
use crate::scim::list::{Attributes, Listing};

/// Answers a page of users, oldest first.
pub(crate) async fn list(caller: ScimCaller) -> ScimAnswer {
    let call = caller.authorise("get:users")?;
    let query = call.query();
    let listing = Listing::read(&query)?;
    let attributes = Attributes::read(&query);
    let filter = listing.filter.as_ref().map(filter_of).transpose()?.unwrap_or_default();
    let id = &call.connection.id;
    let total = call.state().scim_user_count(call.tenant(), id, filter.clone()).await?;
    let found = call.state().scim_user_page(call.tenant(), id, filter, listing.page).await?;
    let resources: Vec<Value> = found.iter().map(|user| attributes.apply(resource(&call, user))).collect();
    Ok(answer::list(&resources, total, listing.start_index))
}

/// What users can be found by.
fn filter_of(asked: &ScimFilter) -> Result<ScimUserFilter, ScimFault> {
    let mut filter = ScimUserFilter::default();
    for (path, value) in asked.comparisons() {
        let text = || value.as_str().map(str::to_owned);
        let is_email = path.as_str().to_ascii_lowercase().starts_with("emails");
        let place = if path.is_of("userName") {
            &mut filter.user_name
        } else if path.is_of("externalId") {
            &mut filter.external_id
        } else if is_email {
            &mut filter.email
        } else if path.is_of("id") && filter.id.is_none() {
            filter.id = text().map(ScimUserId::from_text);
            continue;
        } else {
            let detail =
                format!("users can be found by id, userName, externalId and emails, each once, but not by {path}");
            return Err(ScimFault::filter(detail));
        };
        let text = text().ok_or_else(|| ScimFault::filter(format!("{path} is compared with a text")))?;
        if place.replace(text).is_some() {
            return Err(ScimFault::filter(format!("{path} is compared more than once")));
        }
    }
    Ok(filter)
}
