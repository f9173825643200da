//! `DELETE /api/v2/roles/{id}/groups`

use domain::change::RoleScope;

use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::group_roles::{Intent, change_roles};
use crate::management::roles::role_id;
use crate::payload::Payload;
use crate::wire::group::read_groups;

/// Takes a role from groups, each of which raises `group.role.deleted`.
pub(crate) async fn remove(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["delete:group_roles"])?;
    let id = role_id(&call)?;
    let groups = read_groups(payload.object().await?)?;
    change_roles(&call, &groups, &[id], &RoleScope::Tenant, Intent::Remove).await
}
