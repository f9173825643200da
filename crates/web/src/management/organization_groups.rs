//! `GET /api/v2/organizations/{id}/groups`

use domain::ids::GroupId;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::groups::answered;
use crate::management::organizations::{organization_id, stored};

/// Answers a page of the groups that have a role in an organization, oldest first.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organization_groups"])?;
    let id = organization_id(&call)?;
    let checkpoint = call.query().checkpoint::<GroupId>()?;
    stored(&call, &id).await?;
    let after = checkpoint.after;
    let found = call.state().organization_groups_after(call.tenant(), &id, after, checkpoint.take + 1).await?;
    answered(&call, found, checkpoint.take)
}
