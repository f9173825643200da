//! Groups and their members.
//!
//! The events about a group and its members are one lane, so that nobody hears of a member of a group
//! before the group.

use serde::Serialize;

use super::{Change, Expect, Origin, Revision, RoleScope, Versioned, Write};
use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::event::{Event, Subject};
use crate::group::{Group, GroupKey, GroupObject, GroupReference};
use crate::ids::{GroupId, RoleId, UserId};

/// A write about groups.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupWrite {
    /// Creates or changes a group.
    Put(Expect, Group),
    /// Removes a group with its members and roles.
    Delete(Revision, GroupId),
    /// Adds a member, who is none yet.
    MemberAdd(GroupId, UserId, Timestamp),
    /// Removes a member.
    MemberDelete(GroupId, UserId),
    /// Gives a group a role that it has not got there.
    RoleAssign(GroupId, RoleScope, RoleId, Timestamp),
    /// Takes a role from a group.
    RoleDelete(GroupId, RoleScope, RoleId),
}

impl From<GroupWrite> for Write {
    fn from(write: GroupWrite) -> Self {
        Self::Group(write)
    }
}

pub(super) fn subject_of(group: GroupId) -> Subject {
    Subject::new("group", &group.to_string())
}

/// Somebody in a group.
#[derive(Serialize)]
struct Membership<'a> {
    group: GroupReference<'a>,
    member: Member<'a>,
}

#[derive(Serialize)]
struct Member<'a> {
    member_type: &'static str,
    id: &'a UserId,
}

impl<'a> Membership<'a> {
    fn new(group: impl Into<GroupReference<'a>>, user: &'a UserId) -> Self {
        Self { group: group.into(), member: Member { member_type: "user", id: user } }
    }
}

/// A member of a group as a snapshot tells of one.
pub(super) fn member_told<'a>(group: &'a GroupKey, user: &'a UserId) -> impl Serialize + 'a {
    Membership::new(group, user)
}

fn membership_event(event_type: EventType, group: &Group, user: &UserId, origin: &Origin<'_>) -> Event {
    origin.event(event_type, subject_of(group.id), &Membership::new(group, user), None::<&Membership<'_>>)
}

/// A new group raises `group.created`, and `group.member.added` for each member.
pub fn group_create(group: Group, members: &[UserId], origin: &Origin<'_>) -> Change {
    let object = GroupObject::new(&group);
    let created = origin.event(EventType::GroupCreated, subject_of(group.id), &object, None::<&GroupObject<'_>>);
    let mut events = vec![created];
    let added = |user: &UserId| membership_event(EventType::GroupMemberAdded, &group, user, origin);
    events.extend(members.iter().map(added));
    let mut writes: Vec<Write> = vec![GroupWrite::Put(Expect::Absent, group.clone()).into()];
    writes.extend(members.iter().map(|user| GroupWrite::MemberAdd(group.id, user.clone(), origin.now).into()));
    Change { writes, events }
}

/// What is to become of a group. Whoever is to be added is no member yet, and whoever is to be removed is one.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPatch {
    /// Its name from now on.
    pub name: String,
    /// Its external id from now on.
    pub external_id: Option<String>,
    /// Who joins.
    pub added: Vec<UserId>,
    /// Who leaves.
    pub removed: Vec<UserId>,
}

/// A changed group raises `group.updated` with the whole former object if its name or external id changes, and
/// `group.member.deleted` and `group.member.added` for each member who leaves and joins. A patch without effect is no
/// change.
pub fn group_update(stored: &Versioned<Group>, patch: GroupPatch, origin: &Origin<'_>) -> Option<(Group, Change)> {
    let mut group = Group { name: patch.name, external_id: patch.external_id, ..stored.value.clone() };
    let mut events = Vec::new();
    if group != stored.value {
        group.updated_at = origin.now;
        let (object, previous) = (GroupObject::changed(&group), GroupObject::changed(&stored.value));
        events.push(origin.event(EventType::GroupUpdated, subject_of(group.id), &object, Some(&previous)));
    } else if patch.added.is_empty() && patch.removed.is_empty() {
        return None;
    }
    let mut writes: Vec<Write> = vec![GroupWrite::Put(Expect::At(stored.revision), group.clone()).into()];
    for user in patch.removed {
        events.push(membership_event(EventType::GroupMemberDeleted, &group, &user, origin));
        writes.push(GroupWrite::MemberDelete(group.id, user).into());
    }
    for user in patch.added {
        events.push(membership_event(EventType::GroupMemberAdded, &group, &user, origin));
        writes.push(GroupWrite::MemberAdd(group.id, user, origin.now).into());
    }
    Some((group, Change { writes, events }))
}

/// A deleted group raises `group.deleted`. Its members and its roles go with it, without further events.
pub fn group_delete(stored: &Versioned<Group>, origin: &Origin<'_>) -> Change {
    let group = &stored.value;
    let object = GroupObject::changed(group);
    let event = origin.event(EventType::GroupDeleted, subject_of(group.id), &object, None::<&GroupObject<'_>>);
    Change { writes: vec![GroupWrite::Delete(stored.revision, group.id).into()], events: vec![event] }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::change::tests::{body, with_origin};
    use crate::ids::ConnectionId;

    pub(crate) fn group() -> Group {
        Group {
            id: GroupId::from_number(7),
            connection_id: ConnectionId::from_text("con_1"),
            name: "a".into(),
            external_id: Some("x".into()),
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    fn users(names: &[&str]) -> Vec<UserId> {
        names.iter().map(|name| UserId::from_text(*name)).collect()
    }

    fn said(change: &Change) -> Vec<(String, Value)> {
        let each = |event: &Event| {
            let mut body = body(event);
            (body["type"].as_str().unwrap().to_owned(), body["data"]["object"].take())
        };
        change.events.iter().map(each).collect()
    }

    #[test]
    fn a_change_says_who_leaves_and_who_joins() {
        with_origin(|origin| {
            let stored = Versioned { revision: Revision(2), value: group() };
            let patch = GroupPatch {
                name: "b".into(),
                external_id: Some("x".into()),
                added: users(&["u2"]),
                removed: users(&["u1"]),
            };
            let (after, change) = group_update(&stored, patch.clone(), origin).unwrap();
            let types: Vec<String> = said(&change).into_iter().map(|(name, _)| name).collect();
            assert_eq!(types, ["group.updated", "group.member.deleted", "group.member.added"]);
            assert_eq!(after.updated_at, origin.now);
            assert!(change.events.iter().all(|event| event.subject == change.events[0].subject), "one lane");
            // Members alone do not change the group.
            let stored = Versioned { value: after, ..stored };
            let joining = GroupPatch { removed: Vec::new(), ..patch };
            let (_, change) = group_update(&stored, joining.clone(), origin).unwrap();
            let reference = json!({"id": GroupId::from_number(7), "external_id": "x", "type": "connection",
                "connection_id": "con_1"});
            let member = json!({"member_type": "user", "id": "u2"});
            let object = json!({"group": reference, "member": member});
            assert_eq!(said(&change), [("group.member.added".to_owned(), object)]);
            let nothing = GroupPatch { added: Vec::new(), ..joining };
            assert!(group_update(&stored, nothing, origin).is_none());
        });
    }
}
