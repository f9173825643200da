//! Groups: `/scim/v2/connections/{connection_id}/Groups`.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod replace;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use axum::response::Response;
use domain::change::{GroupPatch, Revision, Versioned, group_update};
use domain::group::Group;
use domain::ids::{GroupId, UserId};
use domain::scim::{GroupChanges, MemberChanges, ScimFault, ScimUserId};
use serde_json::{Value, json};
use store::ScimIdentity;

use super::answer::{self, meta_of};
use super::call::ScimCall;
use super::error::{ScimAnswer, ScimError};
use super::list::Attributes;
use crate::call::CHANGE_TRIES_MAX;
use crate::wire::reader::Field;

pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ID: Field = Field::new("id", "The id of the group.");
const MISSING: ScimError = ScimError::NotFound("the group");
const MEMBERS: &str = "members";

/// The group that the path names.
async fn stored(call: &ScimCall) -> Result<Versioned<Group>, ScimError> {
    let id = GroupId::parse(call.segment(ID)).map_err(|_| MISSING)?;
    let found = call.state().group_get(call.tenant(), id).await?;
    found.filter(|group| group.value.connection_id == call.connection.id).ok_or(MISSING)
}

/// A group as its provider gets it back.
async fn resource(call: &ScimCall, stored: &Versioned<Group>, attributes: &Attributes) -> Result<Value, ScimError> {
    let group = &stored.value;
    let location = call.location(&format!("Groups/{}", group.id));
    let mut resource = json!({
        "schemas": [SCHEMA],
        "id": group.id,
        "displayName": group.name,
        "meta": meta_of("Group", &location, stored.revision, group.created_at, group.updated_at),
    });
    if let Some(external_id) = &group.external_id {
        resource["externalId"] = json!(external_id);
    }
    if attributes.has(MEMBERS) {
        resource[MEMBERS] = members(call, group.id).await?;
    }
    Ok(attributes.apply(resource))
}

async fn members(call: &ScimCall, group: GroupId) -> Result<Value, ScimError> {
    let members = call.state().group_scim_members(call.tenant(), group).await?;
    Ok(members.iter().map(|member| member_of(call, member)).collect())
}

fn member_of(call: &ScimCall, member: &ScimIdentity) -> Value {
    let location = call.location(&format!("Users/{}", member.id));
    json!({"value": member.id.as_str(), "$ref": location, "display": member.user_name, "type": "User"})
}

async fn answered(call: &ScimCall, status: StatusCode, stored: &Versioned<Group>) -> Result<Response, ScimError> {
    let attributes = Attributes::read(&call.query());
    Ok(answer::resource(status, &resource(call, stored, &attributes).await?))
}

/// The users that these ids stand for.
async fn users(call: &ScimCall, ids: &BTreeSet<ScimUserId>) -> Result<BTreeMap<ScimUserId, UserId>, ScimError> {
    let ids = ids.iter().cloned().collect();
    let found = call.state().scim_identities(call.tenant(), &call.connection.id, ids).await?;
    Ok(found.into_iter().map(|identity| (identity.id, identity.user_id)).collect())
}

/// The users who are to join, each of whom there must be.
async fn joining(call: &ScimCall, ids: &BTreeSet<ScimUserId>) -> Result<Vec<UserId>, ScimError> {
    let found = users(call, ids).await?;
    if let Some(unknown) = ids.iter().find(|id| !found.contains_key(*id)) {
        let detail = format!("there is no user of this connection with the id {unknown}, so none can be a member");
        return Err(ScimFault::value(detail).into());
    }
    Ok(found.into_values().collect())
}

/// Who really joins and leaves: those who are not members yet, and those who are.
async fn difference(
    call: &ScimCall,
    group: GroupId,
    members: &MemberChanges,
) -> Result<(Vec<UserId>, Vec<UserId>), ScimError> {
    let joining = joining(call, &members.joining).await?;
    let there: BTreeSet<UserId> = if members.cleared {
        let all = call.state().group_scim_members(call.tenant(), group).await?;
        all.into_iter().map(|member| member.user_id).collect()
    } else {
        let mut asked = joining.clone();
        asked.extend(users(call, &members.leaving).await?.into_values());
        call.state().group_members_among(call.tenant(), group, asked).await?.into_iter().collect()
    };
    let removed = there.iter().filter(|user| !joining.contains(user)).cloned().collect();
    let added = joining.into_iter().filter(|user| !there.contains(user)).collect();
    Ok((added, removed))
}

/// Changes a group, which raises `group.updated` for its name and external id, and an event for each member who joins
/// or leaves.
async fn update(call: &ScimCall, changes: &GroupChanges) -> ScimAnswer {
    for _ in 0..CHANGE_TRIES_MAX {
        let found = stored(call).await?;
        call.check_version(&found)?;
        let (added, removed) = difference(call, found.value.id, &changes.members).await?;
        let patch = GroupPatch {
            name: changes.name.clone().unwrap_or_else(|| found.value.name.clone()),
            external_id: changes.external_id.clone().unwrap_or_else(|| found.value.external_id.clone()),
            added,
            removed,
        };
        let Some((group, change)) = group_update(&found, patch, &call.origin()) else {
            return answered(call, StatusCode::OK, &found).await;
        };
        if call.commit(change).await? {
            let updated = Versioned { revision: Revision(found.revision.0 + 1), value: group };
            return answered(call, StatusCode::OK, &updated).await;
        }
    }
    Err(ScimError::Contended)
}
