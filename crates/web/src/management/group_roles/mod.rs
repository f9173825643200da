//! The roles of groups, by themselves and in organizations (management-api.md 6.3 to 6.5).

pub(crate) mod assign;
pub(crate) mod list;
pub(crate) mod remove;

use std::collections::HashSet;

use axum::response::Response;
use domain::change::{Change, ClientContext, RoleScope, group_roles_assign, group_roles_delete};
use domain::group::Group;
use domain::ids::{GroupId, OrganizationId, RoleId};
use domain::role::Role;

use super::{groups, organizations, roles};
use crate::call::{CHANGE_TRIES_MAX, Call};
use crate::error::{Answer, ApiError, Refusal};
use crate::wire::query::next_of;
use crate::wire::reader::{Field, Invalid};
use crate::wire::{answer, listing};

const GROUP_ID: Field = Field::new("group_id", "Unique identifier for the group (service-generated).");

/// The group that a path names besides an organization.
fn group_of_organization(call: &Call) -> Result<GroupId, Invalid> {
    call.segment_id(GROUP_ID, "group-id", GroupId::parse)
}

/// The organization that the path names, as where roles are given.
async fn scope_of_organization(call: &Call) -> Result<RoleScope, ApiError> {
    let id: OrganizationId = organizations::organization_id(call)?;
    organizations::stored(call, &id).await?;
    Ok(RoleScope::Organization(id))
}

/// Answers a page of a group's roles, in the order of their ids.
async fn list_roles(call: &Call, group: GroupId, scope: RoleScope) -> Answer {
    let checkpoint = call.query().checkpoint::<RoleId>()?;
    groups::stored(call, group).await?;
    let take = checkpoint.take as usize;
    let after = checkpoint.after.as_ref();
    let mut found = call.state().group_roles_after(call.tenant(), group, scope, after, checkpoint.take + 1).await?;
    let more = found.len() > take;
    found.truncate(take);
    let next = found.last().filter(|_| more).map(|last| next_of(&last.id));
    Ok(listing::by_checkpoint("roles", &found, next))
}

/// What is to become of roles of groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Assign,
    Remove,
}

/// Gives groups roles that they have not got, or takes those that they have: for each an event. Groups and roles must
/// be there, whether anything comes of it or not.
pub(super) async fn change_roles(
    call: &Call,
    group_ids: &[GroupId],
    role_ids: &[RoleId],
    scope: &RoleScope,
    intent: Intent,
) -> Result<Response, ApiError> {
    let client = call.client_context().await?;
    for _ in 0..CHANGE_TRIES_MAX {
        let mut groups = Vec::with_capacity(group_ids.len());
        for id in group_ids {
            groups.push(groups::stored(call, *id).await?.value);
        }
        let mut roles = Vec::with_capacity(role_ids.len());
        for id in role_ids {
            roles.push(roles::stored(call, id).await?.value);
        }
        let change = change_of(call, &groups, &roles, scope, intent, client.clone()).await?;
        if change.writes.is_empty() || call.commit(change).await? {
            return Ok(answer::no_content());
        }
    }
    Err(ApiError::Refused(Refusal::Contended))
}

async fn change_of(
    call: &Call,
    groups: &[Group],
    roles: &[Role],
    scope: &RoleScope,
    intent: Intent,
    client: Option<ClientContext>,
) -> Result<Change, ApiError> {
    let group_ids = groups.iter().map(|group| group.id).collect();
    let role_ids = roles.iter().map(|role| role.id.clone()).collect();
    let there = call.state().group_roles_among(call.tenant(), scope.clone(), group_ids, role_ids).await?;
    let there: HashSet<(GroupId, RoleId)> = there.into_iter().collect();
    let pairs = groups.iter().flat_map(|group| roles.iter().map(move |role| (group, role)));
    let changing =
        pairs.filter(|(group, role)| there.contains(&(group.id, role.id.clone())) == (intent == Intent::Remove));
    let origin = call.origin(client);
    Ok(match intent {
        Intent::Assign => {
            let given: Vec<_> = changing.map(|(group, role)| (group.clone(), role.clone())).collect();
            group_roles_assign(&given, scope, &origin)
        }
        Intent::Remove => {
            let taken: Vec<_> = changing.map(|(group, role)| (group.clone(), role.id.clone())).collect();
            group_roles_delete(&taken, scope, &origin)
        }
    })
}
