//! `GET /api/v2/groups/{id}/roles` and `GET /api/v2/organizations/{id}/groups/{group_id}/roles`

use domain::change::RoleScope;

use super::{group_of_organization, list_roles, scope_of_organization};
use crate::call::Authenticated;
use crate::error::Answer;
use crate::management::groups::group_id;

/// Answers a page of the roles that a group has by itself.
pub(crate) async fn list(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:group_roles"])?;
    let group = group_id(&call)?;
    list_roles(&call, group, RoleScope::Tenant).await
}

/// Answers a page of the roles that a group has in an organization.
pub(crate) async fn list_in_organization(caller: Authenticated) -> Answer {
    let call = caller.authorise(&["read:organization_group_roles"])?;
    let group = group_of_organization(&call)?;
    let scope = scope_of_organization(&call).await?;
    list_roles(&call, group, scope).await
}
