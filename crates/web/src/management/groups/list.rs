//! `GET /api/v2/groups`

use domain::ids::{ConnectionId, GroupId};
use store::GroupFilter;

use super::answered;
use crate::call::Authenticated;
use crate::error::Answer;

/// Answers a page of groups, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:groups"])?;
    let query = call.query();
    let filter = GroupFilter {
        id: None,
        connection: query.text("connection_id").map(ConnectionId::from_text),
        name: query.text("name").map(str::to_owned),
        external_id: query.text("external_id").map(str::to_owned),
        search: query.text("search").map(str::to_owned),
    };
    let checkpoint = query.checkpoint::<GroupId>()?;
    let found = call.state().groups_after(call.tenant(), filter, checkpoint.after, checkpoint.take + 1).await?;
    answered(&call, found, checkpoint.take)
}
