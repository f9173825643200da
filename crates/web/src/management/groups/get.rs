//! `GET /api/v2/groups/{id}`

use axum::http::StatusCode;

use super::{group_id, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::answer;
use crate::wire::group::GroupAnswer;

/// Answers a group.
pub(crate) async fn get(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:groups"])?;
    let id = group_id(&call)?;
    let selection = call.query().selection()?;
    let found = stored(&call, id).await?.value;
    let group = GroupAnswer::new(&found, &call.served.tenant.name);
    match selection {
        None => Ok(answer::json(StatusCode::OK, &group)),
        Some(selection) => Ok(answer::json(StatusCode::OK, &selection.of(&group))),
    }
}
