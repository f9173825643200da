//! `GET /api/v2/connections/{id}/clients`

use domain::ids::ClientId;

use super::{connection_id, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::connection::EnabledClient;
use crate::wire::listing;
use crate::wire::query::next_of;

/// Answers a page of the applications that may use a connection, in the order of their ids.
pub(crate) async fn list_clients(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:connections"])?;
    let id = connection_id(&call)?;
    let checkpoint = call.query().checkpoint::<ClientId>()?;
    let mut clients = stored(&call, &id).await?.value.enabled_clients;
    clients.sort();
    let from = checkpoint.after.map_or(0, |after| clients.partition_point(|client| *client <= after));
    let mut page = clients.split_off(from);
    let next = (page.len() > checkpoint.take as usize).then(|| next_of(&page[checkpoint.take as usize - 1]));
    page.truncate(checkpoint.take as usize);
    let page: Vec<_> = page.into_iter().map(|client_id| EnabledClient { client_id }).collect();
    Ok(listing::by_checkpoint("clients", &page, next))
}
