//! `GET /api/v2/actions/actions`

use domain::action::TRIGGER_ID;
use store::ActionFilter;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::action::{ActionAnswer, paged};
use crate::wire::reader::Field;

const DEPLOYED: Field = Field::new("deployed", "Only actions that are deployed, or only those that are not.");
const INSTALLED: Field = Field::new("installed", "Only actions that were installed, or only those that were not.");

/// Answers a page of the tenant's actions, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:actions"])?;
    let query = call.query();
    query.refuse(&["include_totals"])?;
    let page = query.offset()?.page;
    let filter = ActionFilter { name: query.text("actionName").map(str::to_owned), deployed: query.flag(DEPLOYED)? };
    let of_another_trigger = query.text("triggerId").is_some_and(|trigger| trigger != TRIGGER_ID);
    if of_another_trigger || query.flag(INSTALLED)? == Some(true) {
        return Ok(paged::<ActionAnswer<'_>>("actions", page, 0, &[]));
    }
    let total = call.state().action_count(call.tenant(), filter.clone()).await?;
    let found = call.state().action_page(call.tenant(), filter, page).await?;
    let actions: Vec<_> = found.iter().map(ActionAnswer::from).collect();
    Ok(paged("actions", page, total, &actions))
}
