//! `GET /api/v2/actions/actions`

use axum::http::StatusCode;
use serde::Serialize;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;

/// Always an object; `page` is left out on the first one (management-api.md 1.4).
#[derive(Serialize)]
struct Actions {
    actions: [(); 0],
    total: u32,
    per_page: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
}

/// Answers a page of the tenant's actions. There are none: a stream cannot have one as its destination. Clients that walk
/// through what a tenant has ask all the same, and go on when they are told so.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:actions"])?;
    let query = call.query();
    query.refuse(&["include_totals"])?;
    let page = query.offset()?.page;
    let number = page.offset / page.limit;
    let actions = Actions { actions: [], total: 0, per_page: page.limit, page: (number > 0).then_some(number) };
    Ok(answer::json(StatusCode::OK, &actions))
}
