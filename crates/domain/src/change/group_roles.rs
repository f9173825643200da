//! The roles of groups, by themselves and in organizations.

use serde::Serialize;

use super::groups::subject_of;
use super::{Change, GroupWrite, Origin};
use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::event::{Event, Subject};
use crate::group::{Group, GroupKey, GroupReference};
use crate::ids::{GroupId, OrganizationId, RoleId};
use crate::role::Role;

/// Where a group has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleScope {
    /// Everywhere.
    Tenant,
    /// In this organization.
    Organization(OrganizationId),
}

impl RoleScope {
    /// The events about a role in an organization are the organization's, those about another are the group's.
    pub(super) fn subject(&self, group: GroupId) -> Subject {
        match self {
            Self::Tenant => subject_of(group),
            Self::Organization(id) => Subject::new("organization", id.as_str()),
        }
    }

    /// What a role that is given there is told by.
    pub(super) const fn assigned(&self) -> EventType {
        match self {
            Self::Tenant => EventType::GroupRoleAssigned,
            Self::Organization(_) => EventType::OrganizationGroupRoleAssigned,
        }
    }

    fn reference(&self) -> Option<OrganizationReference<'_>> {
        match self {
            Self::Tenant => None,
            Self::Organization(id) => Some(OrganizationReference { id }),
        }
    }
}

#[derive(Serialize)]
struct RoleReference<'a> {
    id: &'a RoleId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct OrganizationReference<'a> {
    id: &'a OrganizationId,
}

/// A role of a group: given, then `created_at` says when, or taken, then `deleted_at`. The shapes are closed: a role has
/// its name only when it is given (event-types.md, 19 to 22).
#[derive(Serialize)]
struct Assignment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<OrganizationReference<'a>>,
    group: GroupReference<'a>,
    role: RoleReference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

impl<'a> Assignment<'a> {
    fn given(group: impl Into<GroupReference<'a>>, scope: &'a RoleScope, role: &'a Role, at: Timestamp) -> Self {
        Self {
            organization: scope.reference(),
            group: group.into(),
            role: RoleReference { id: &role.id, name: Some(&role.name) },
            created_at: Some(at),
            deleted_at: None,
        }
    }
}

/// A role of a group as a snapshot tells of one.
pub(super) fn role_told<'a>(
    group: &'a GroupKey,
    scope: &'a RoleScope,
    role: &'a Role,
    at: Timestamp,
) -> impl Serialize + 'a {
    Assignment::given(group, scope, role, at)
}

fn assigned(group: &Group, scope: &RoleScope, role: &Role, origin: &Origin<'_>) -> Event {
    let object = Assignment::given(group, scope, role, origin.now);
    origin.event(scope.assigned(), scope.subject(group.id), &object, None::<&Assignment<'_>>)
}

fn deleted(group: &Group, scope: &RoleScope, role: &RoleId, origin: &Origin<'_>) -> Event {
    let event_type = match scope {
        RoleScope::Tenant => EventType::GroupRoleDeleted,
        RoleScope::Organization(_) => EventType::OrganizationGroupRoleDeleted,
    };
    let object = Assignment {
        organization: scope.reference(),
        group: group.into(),
        role: RoleReference { id: role, name: None },
        created_at: None,
        deleted_at: Some(origin.now),
    };
    origin.event(event_type, scope.subject(group.id), &object, None::<&Assignment<'_>>)
}

/// Each role that is given to a group, which has not got it yet, raises `group.role.assigned`, or
/// `organization.group.role.assigned` where it is given in an organization.
pub fn group_roles_assign(given: &[(Group, Role)], scope: &RoleScope, origin: &Origin<'_>) -> Change {
    let mut change = Change::default();
    for (group, role) in given {
        change.events.push(assigned(group, scope, role, origin));
        change.writes.push(GroupWrite::RoleAssign(group.id, scope.clone(), role.id.clone(), origin.now).into());
    }
    change
}

/// Each role that is taken from a group, which has it, raises `group.role.deleted`, or
/// `organization.group.role.deleted` where it was given in an organization.
pub fn group_roles_delete(taken: &[(Group, RoleId)], scope: &RoleScope, origin: &Origin<'_>) -> Change {
    let mut change = Change::default();
    for (group, role) in taken {
        change.events.push(deleted(group, scope, role, origin));
        change.writes.push(GroupWrite::RoleDelete(group.id, scope.clone(), role.clone()).into());
    }
    change
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::change::groups::tests::group;
    use crate::change::tests::{body, with_origin};

    fn said(change: &Change) -> (String, Value) {
        let mut body = body(&change.events[0]);
        (body["type"].as_str().unwrap().to_owned(), body["data"]["object"].take())
    }

    #[test]
    fn roles_are_said_as_the_closed_shapes_have_them() {
        with_origin(|origin| {
            let role = Role { id: RoleId::from_text("rol_1"), name: "admin".into(), description: Some("x".into()) };
            let scope = RoleScope::Organization(OrganizationId::from_text("org_1"));
            let given = group_roles_assign(&[(group(), role.clone())], &scope, origin);
            let (name, object) = said(&given);
            assert_eq!(name, "organization.group.role.assigned");
            assert_eq!(object["organization"], json!({"id": "org_1"}));
            assert_eq!(object["role"], json!({"id": "rol_1", "name": "admin"}));
            assert_eq!((&object["created_at"], object.get("deleted_at")), (&json!(origin.now), None));
            assert_eq!(given.events[0].subject, Subject::new("organization", "org_1"));
            let taken = group_roles_delete(&[(group(), role.id)], &RoleScope::Tenant, origin);
            let (name, object) = said(&taken);
            assert_eq!(name, "group.role.deleted");
            assert_eq!((&object["role"], object.get("organization")), (&json!({"id": "rol_1"}), None));
            assert_eq!((object.get("created_at"), &object["deleted_at"]), (None, &json!(origin.now)));
            assert_eq!(taken.events[0].subject, subject_of(group().id));
        });
    }
}
