//! Groups and their members (management-api.md 6.5).

use domain::clock::Timestamp;
use domain::group::Group;
use domain::ids::{ConnectionId, GroupId, RoleId, UserId};
use serde::Serialize;
use store::GroupMember;

use super::query::Cursor;
use super::reader::{Invalid, ObjectReader, Text};

const GROUPS: Text = Text::new("groups", "Array of group IDs.").format("group-id", |text| GroupId::parse(text).is_ok());

/// Groups in one call at most.
const GROUPS_MAX: usize = 50;

/// Reads a body that names groups.
pub(crate) fn read_groups(mut body: ObjectReader) -> Result<Vec<GroupId>, Invalid> {
    let groups = body.texts_required(&GROUPS, 1, GROUPS_MAX)?;
    body.finish()?;
    Ok(groups.iter().filter_map(|text| GroupId::parse(text).ok()).collect())
}

/// A group as it is answered.
#[derive(Serialize)]
pub(crate) struct GroupAnswer<'a> {
    id: GroupId,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    connection_id: &'a ConnectionId,
    tenant_name: &'a str,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> GroupAnswer<'a> {
    /// A group of this tenant.
    pub(crate) fn new(group: &'a Group, tenant_name: &'a str) -> Self {
        Self {
            id: group.id,
            name: &group.name,
            external_id: group.external_id.as_deref(),
            connection_id: &group.connection_id,
            tenant_name,
            created_at: group.created_at,
            updated_at: group.updated_at,
        }
    }
}

/// A member of a group as it is answered.
#[derive(Serialize)]
pub(crate) struct MemberAnswer {
    id: UserId,
    member_type: &'static str,
    #[serde(rename = "type")]
    group_type: &'static str,
    connection_id: ConnectionId,
    created_at: Timestamp,
}

impl MemberAnswer {
    /// A member of this group.
    pub(crate) fn new(group: &Group, member: GroupMember) -> Self {
        Self {
            id: member.user_id,
            member_type: "user",
            group_type: "connection",
            connection_id: group.connection_id.clone(),
            created_at: member.added_at,
        }
    }
}

impl Cursor for GroupId {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

impl Cursor for UserId {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::from_text(text))
    }
}

impl Cursor for RoleId {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::from_text(text))
    }
}
