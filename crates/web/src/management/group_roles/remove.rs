//! `DELETE /api/v2/groups/{id}/roles` and `DELETE /api/v2/organizations/{id}/groups/{group_id}/roles`

use domain::change::RoleScope;

use super::{Intent, change_roles, group_of_organization, scope_of_organization};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::groups::group_id;
use crate::payload::Payload;
use crate::wire::role::read_roles;

/// Takes roles from a group, each of which raises `group.role.deleted`.
pub(crate) async fn remove(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["delete:group_roles"])?;
    let group = group_id(&call)?;
    let roles = read_roles(payload.object().await?)?;
    change_roles(&call, &[group], &roles, &RoleScope::Tenant, Intent::Remove).await
}

/// Takes roles from a group in an organization, each of which raises `organization.group.role.deleted`.
pub(crate) async fn remove_in_organization(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["delete:organization_group_roles"])?;
    let group = group_of_organization(&call)?;
    let roles = read_roles(payload.object().await?)?;
    let scope = scope_of_organization(&call).await?;
    change_roles(&call, &[group], &roles, &scope, Intent::Remove).await
}
