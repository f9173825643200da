//! A group of users. The ones there are come from connections, by SCIM.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::{ConnectionId, GroupId};

/// A group of a connection's users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `grp_…`
    pub id: GroupId,
    /// The connection whose group it is.
    pub connection_id: ConnectionId,
    /// Unique in the connection, without case.
    pub name: String,
    /// The provider's own id of it.
    pub external_id: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its name or external id was last changed.
    pub updated_at: Timestamp,
}

/// What never changes of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// `grp_…`
    pub id: GroupId,
    /// The connection whose group it is.
    pub connection_id: ConnectionId,
}

/// The type of every group there is: the contract has two others, but no way to create one of them.
const TYPE: &str = "connection";

/// A group as the events about it say it: a closed shape (event-types.md, 14 to 16).
#[derive(Serialize)]
pub(crate) struct GroupObject<'a> {
    id: GroupId,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
    #[serde(rename = "type")]
    group_type: &'static str,
    connection_id: &'a ConnectionId,
}

impl<'a> GroupObject<'a> {
    /// The group when it has just been created: then nothing may be said of a change.
    pub(crate) fn new(group: &'a Group) -> Self {
        Self {
            id: group.id,
            name: &group.name,
            external_id: group.external_id.as_deref(),
            created_at: group.created_at,
            updated_at: None,
            group_type: TYPE,
            connection_id: &group.connection_id,
        }
    }

    /// The group later.
    pub(crate) fn changed(group: &'a Group) -> Self {
        Self { updated_at: Some(group.updated_at), ..Self::new(group) }
    }
}

/// A group as events about something else say it (event-types.md, 17 to 22).
#[derive(Serialize)]
pub(crate) struct GroupReference<'a> {
    id: GroupId,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    #[serde(rename = "type")]
    group_type: &'static str,
    connection_id: &'a ConnectionId,
}

impl<'a> From<&'a Group> for GroupReference<'a> {
    fn from(group: &'a Group) -> Self {
        Self {
            id: group.id,
            external_id: group.external_id.as_deref(),
            group_type: TYPE,
            connection_id: &group.connection_id,
        }
    }
}

/// What may have changed is left out.
impl<'a> From<&'a GroupKey> for GroupReference<'a> {
    fn from(group: &'a GroupKey) -> Self {
        Self { id: group.id, external_id: None, group_type: TYPE, connection_id: &group.connection_id }
    }
}
