//! `GET /api/v2/groups/{id}/members`

use domain::ids::UserId;

use super::{group_id, stored};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::wire::group::MemberAnswer;
use crate::wire::listing;
use crate::wire::query::next_of;

/// Answers a page of a group's members, in the order of their ids.
pub(crate) async fn list_members(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:group_members"])?;
    let id = group_id(&call)?;
    let query = call.query();
    let selection = query.selection()?;
    let checkpoint = query.checkpoint::<UserId>()?;
    let take = checkpoint.take as usize;
    let group = stored(&call, id).await?.value;
    let after = checkpoint.after.as_ref();
    let mut found = call.state().group_members_after(call.tenant(), id, after, checkpoint.take + 1).await?;
    let more = found.len() > take;
    found.truncate(take);
    let next = found.last().filter(|_| more).map(|last| next_of(&last.user_id));
    let answers: Vec<MemberAnswer> = found.into_iter().map(|member| MemberAnswer::new(&group, member)).collect();
    match selection {
        None => Ok(listing::by_checkpoint("members", &answers, next)),
        Some(selection) => Ok(listing::by_checkpoint("members", &selection.of_all(&answers), next)),
    }
}
