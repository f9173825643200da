//! `GET /api/v2/connections`

use axum::response::Response;
use domain::connection::{Connection, Strategy};
use store::{ConnectionFilter, ConnectionPlace, Page};

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::connection::ConnectionAnswer;
use crate::wire::listing;
use crate::wire::query::{QueryReader, Selection, next_of};
use crate::wire::reader::{Field, Invalid};

const STRATEGY: Field = Field::new("strategy", "Provide strategies to only retrieve connections with such strategies.");

/// Answers a page of connections, oldest first, by number or by checkpoint.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:connections"])?;
    let query = call.query();
    let filter = filter_of(&query)?;
    let selection = query.selection()?;
    if query.wants_checkpoint() {
        let checkpoint = query.checkpoint::<ConnectionPlace>()?;
        let take = checkpoint.take as usize;
        let mut found =
            call.state().connections_after(call.tenant(), filter, checkpoint.after, checkpoint.take + 1).await?;
        let more = found.len() > take;
        found.truncate(take);
        let place = found.last().map(|last| ConnectionPlace { created_at: last.created_at, id: last.id.clone() });
        return Ok(checkpointed(found, place.filter(|_| more).as_ref().map(next_of), selection.as_ref()));
    }
    let offset = query.offset()?;
    let found = call.state().connection_page(call.tenant(), filter.clone(), offset.page).await?;
    let total = match offset.include_totals {
        true => Some(call.state().connection_count(call.tenant(), filter).await?),
        false => None,
    };
    Ok(numbered(found, offset.page, total, selection.as_ref()))
}

/// Several strategies mean any of them.
fn filter_of(query: &QueryReader) -> Result<ConnectionFilter, Invalid> {
    let named = query.list(STRATEGY.name);
    let known = |name: &&str| {
        Strategy::from_name(name).ok_or_else(|| QueryReader::fault(STRATEGY, &format!("No enum match for: {name}")))
    };
    let strategies = named.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    Ok(ConnectionFilter {
        strategies: (!strategies.is_empty()).then_some(strategies),
        name: query.text("name").map(str::to_owned),
        domain_alias: query.text("domain_alias").map(str::to_owned),
    })
}

fn checkpointed(found: Vec<Connection>, next: Option<String>, selection: Option<&Selection>) -> Response {
    let answers = answers(found);
    match selection {
        None => listing::by_checkpoint("connections", &answers, next),
        Some(selection) => listing::by_checkpoint("connections", &selection.of_all(&answers), next),
    }
}

fn numbered(found: Vec<Connection>, page: Page, total: Option<u64>, selection: Option<&Selection>) -> Response {
    let answers = answers(found);
    match selection {
        None => listing::by_offset("connections", page, total, &answers),
        Some(selection) => listing::by_offset("connections", page, total, &selection.of_all(&answers)),
    }
}

fn answers(found: Vec<Connection>) -> Vec<ConnectionAnswer> {
    found.into_iter().map(ConnectionAnswer::from).collect()
}
