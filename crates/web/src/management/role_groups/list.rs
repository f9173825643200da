//! `GET /api/v2/roles/{id}/groups`

use domain::ids::GroupId;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::groups::answered;
use crate::management::roles::{role_id, stored};

/// Answers a page of the groups that have a role by themselves, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:group_roles"])?;
    let id = role_id(&call)?;
    let checkpoint = call.query().checkpoint::<GroupId>()?;
    stored(&call, &id).await?;
    let found = call.state().role_groups_after(call.tenant(), &id, checkpoint.after, checkpoint.take + 1).await?;
    answered(&call, found, checkpoint.take)
}
