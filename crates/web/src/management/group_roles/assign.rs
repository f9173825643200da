//! `POST /api/v2/groups/{id}/roles` and `POST /api/v2/organizations/{id}/groups/{group_id}/roles`

use domain::change::RoleScope;

use super::{Intent, change_roles, group_of_organization, scope_of_organization};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::groups::group_id;
use crate::payload::Payload;
use crate::wire::role::read_roles;

/// Gives a group roles, each of which raises `group.role.assigned`.
pub(crate) async fn assign(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:group_roles"])?;
    let group = group_id(&call)?;
    let roles = read_roles(payload.object().await?)?;
    change_roles(&call, &[group], &roles, &RoleScope::Tenant, Intent::Assign).await
}

/// Gives a group roles in an organization, each of which raises `organization.group.role.assigned`.
pub(crate) async fn assign_in_organization(caller: Authenticated, payload: Payload) -> Answer {
    let call = caller.authorise(&["create:organization_group_roles"])?;
    let group = group_of_organization(&call)?;
    let roles = read_roles(payload.object().await?)?;
    let scope = scope_of_organization(&call).await?;
    change_roles(&call, &[group], &roles, &scope, Intent::Assign).await
}
