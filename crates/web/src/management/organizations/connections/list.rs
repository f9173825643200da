//! `GET /api/v2/organizations/{id}/enabled_connections`, and `…/connections`

use store::ConnectionsView;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::organizations::{organization_id, stored};
use crate::wire::organization::{ConnectionAnswer, ConnectionForm};
use crate::wire::paging::Paging;
use crate::wire::reader::Field;

const IS_ENABLED: Field = Field::new("is_enabled", "Filter on whether the connection is enabled.");

/// Answers a page of the enabled connections, by number or by checkpoint.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    list_in(caller, ConnectionForm::Enabled).await
}

/// Answers a page of the connections in the early-access form; `is_enabled` leaves those that are, or are not.
pub(crate) async fn list_early(caller: Authenticated) -> Answer {
    list_in(caller, ConnectionForm::EarlyAccess).await
}

async fn list_in(caller: Authenticated, form: ConnectionForm) -> Answer {
    let call = caller.authorise(&["read:organization_connections"])?;
    let id = organization_id(&call)?;
    let query = call.query();
    let paging = Paging::read(&query)?;
    let view = match form {
        ConnectionForm::Enabled => ConnectionsView::Enabled,
        ConnectionForm::EarlyAccess => match query.flag(IS_ENABLED)? {
            None => ConnectionsView::All,
            Some(true) => ConnectionsView::Enabled,
            Some(false) => ConnectionsView::Disabled,
        },
    };
    stored(&call, &id).await?;
    let found = call.state().organization_connection_slice(call.tenant(), &id, view, paging.slice()).await?;
    let total = match paging.wants_total() {
        true => Some(call.state().organization_connection_count(call.tenant(), &id, view).await?),
        false => None,
    };
    let plural = match form {
        ConnectionForm::Enabled => "enabled_connections",
        ConnectionForm::EarlyAccess => "connections",
    };
    Ok(paging.answer(plural, found, total, |connection| ConnectionAnswer::new(connection, form)))
}
