//! `GET /api/v2/clients`

use domain::account::Client;
use serde_json::Value;
use store::{Page, StoreError};

use super::shown;
use crate::call::{Authenticated, Call};
use crate::error::Answer;
use crate::wire::listing;
use crate::wire::query::PAGE_MAX;
use crate::wire::reader::Field;

const IS_GLOBAL: Field = Field::new("is_global", "Filter on the global client parameter.");

/// Answers a page of applications, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:clients"])?;
    let query = call.query();
    query.refuse(&["q"])?;
    let offset = query.offset()?;
    let selection = query.selection()?;
    let app_types = query.list("app_type");
    // No application is global.
    let (clients, total) = if query.flag(IS_GLOBAL)? == Some(true) {
        (Vec::new(), 0)
    } else if app_types.is_empty() {
        let clients = call.state().client_page(call.tenant(), offset.page).await?;
        (clients, if offset.include_totals { call.state().client_count(call.tenant()).await? } else { 0 })
    } else {
        of_types(&call, &app_types, offset.page).await?
    };
    let mut objects: Vec<_> = clients.into_iter().map(|each| shown(&call, each)).collect();
    if let Some(selection) = selection {
        objects.iter_mut().for_each(|object| selection.apply(object));
    }
    Ok(listing::by_offset("clients", offset.page, offset.include_totals.then_some(total), &objects))
}

/// A page of the applications of certain types, and how many there are. Their settings are opaque to the
/// store, so all are looked at, a page at a time.
async fn of_types(call: &Call, app_types: &[&str], page: Page) -> Result<(Vec<Client>, u64), StoreError> {
    let is_meant = |client: &Client| {
        client.settings.get("app_type").and_then(Value::as_str).is_some_and(|given| app_types.contains(&given))
    };
    let meant_on_page = u64::from(page.offset)..u64::from(page.offset) + u64::from(page.limit);
    let mut found = Vec::new();
    let mut total = 0;
    let mut reading = Page { offset: 0, limit: PAGE_MAX };
    loop {
        let clients = call.state().client_page(call.tenant(), reading).await?;
        let read = clients.len();
        for client in clients.into_iter().filter(is_meant) {
            if meant_on_page.contains(&total) {
                found.push(client);
            }
            total += 1;
        }
        if read < reading.limit as usize {
            return Ok((found, total));
        }
        reading.offset += reading.limit;
    }
}
