//! The events that tell one stream of what existed when its snapshot was begun.

use serde::Serialize;

use super::organizations::{connection_told, member_role_told, member_told};
use super::{Context, Data, Member, Revision, RoleScope, Versioned, group_roles, groups};
use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::connection::{Connection, ConnectionObject};
use crate::erasure::subject_of;
use crate::event::{Event, Source, Subject, render_body};
use crate::group::{Group, GroupKey, GroupObject};
use crate::ids::{EventId, OrganizationId, StreamId, UserId};
use crate::organization::{Organization, OrganizationConnection};
use crate::role::Role;
use crate::user::User;

/// Something that existed.
#[derive(Clone, Debug, PartialEq)]
pub enum Existing {
    /// A user.
    User(Box<User>),
    /// A connection.
    Connection(Box<Connection>),
    /// An organization.
    Organization(Box<Organization>),
    /// A connection of an organization.
    OrganizationConnection(OrganizationId, Box<OrganizationConnection>),
    /// A member of an organization.
    Member(Member),
    /// A role of a member of an organization.
    MemberRole(Member, Role),
    /// A group.
    Group(Box<Group>),
    /// A member of a group.
    GroupMember(GroupKey, UserId),
    /// A role of a group, which it has since then.
    GroupRole(GroupKey, RoleScope, Role, Timestamp),
}

/// Whom a snapshot is for, and of when it is.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotOf<'a> {
    /// The stream that is told.
    pub stream: StreamId,
    /// The source that the snapshot was asked of.
    pub source: &'a Source,
    /// When it was begun.
    pub as_of: Timestamp,
}

impl SnapshotOf<'_> {
    /// The event that tells of something that existed, made at `now`. A retry makes the same event. Names of
    /// organizations and external ids of groups are left out where the contract lets them be: they may have changed
    /// since. `None` if it is a
    /// connection of a strategy that raises no events.
    pub fn event(&self, stored: &Versioned<Existing>, now: Timestamp) -> Option<Event> {
        let revision = stored.revision;
        Some(match &stored.value {
            Existing::User(user) => {
                let (id, subject) = (user.user_id.as_str(), subject_of(&user.user_id));
                self.render(EventType::UserCreated, subject, &[id], revision, user, now)
            }
            Existing::Connection(connection) if !connection.strategy.raises_events() => return None,
            Existing::Connection(connection) => {
                let (id, object) = (connection.id.as_str(), ConnectionObject::from(&**connection));
                let subject = Subject::new("connection", id);
                self.render(EventType::ConnectionCreated, subject, &[id], revision, &object, now)
            }
            Existing::Organization(organization) => {
                let parts = [organization.id.as_str()];
                self.told(EventType::OrganizationCreated, &organization.id, &parts, revision, organization, now)
            }
            Existing::OrganizationConnection(organization, connection) => {
                let parts = [organization.as_str(), connection.connection_id.as_str()];
                let object = connection_told(organization, connection);
                self.told(EventType::OrganizationConnectionAdded, organization, &parts, revision, &object, now)
            }
            Existing::Member(member) => {
                let parts = [member.organization.as_str(), member.user.as_str()];
                let object = member_told(member);
                self.told(EventType::OrganizationMemberAdded, &member.organization, &parts, revision, &object, now)
            }
            Existing::MemberRole(member, role) => {
                let parts = [member.organization.as_str(), member.user.as_str(), role.id.as_str()];
                let object = member_role_told(member, role);
                let event_type = EventType::OrganizationMemberRoleAssigned;
                self.told(event_type, &member.organization, &parts, revision, &object, now)
            }
            Existing::Group(group) => {
                let (id, object) = (group.id.to_string(), GroupObject::new(group));
                let subject = groups::subject_of(group.id);
                self.render(EventType::GroupCreated, subject, &[&*id], revision, &object, now)
            }
            Existing::GroupMember(group, user) => {
                let (id, object) = (group.id.to_string(), groups::member_told(group, user));
                let (subject, parts) = (groups::subject_of(group.id), [&*id, user.as_str()]);
                self.render(EventType::GroupMemberAdded, subject, &parts, revision, &object, now)
            }
            Existing::GroupRole(group, scope, role, at) => {
                let (id, object) = (group.id.to_string(), group_roles::role_told(group, scope, role, *at));
                let mut parts = vec![&*id, role.id.as_str()];
                if let RoleScope::Organization(organization) = scope {
                    parts.push(organization.as_str());
                }
                self.render(scope.assigned(), scope.subject(group.id), &parts, revision, &object, now)
            }
        })
    }

    /// An event in the lane of an organization.
    fn told<T: Serialize>(
        &self,
        event_type: EventType,
        organization: &OrganizationId,
        parts: &[&str],
        revision: Revision,
        object: &T,
        now: Timestamp,
    ) -> Event {
        let subject = Subject::new("organization", organization.as_str());
        self.render(event_type, subject, parts, revision, object, now)
    }

    fn render<T: Serialize>(
        &self,
        event_type: EventType,
        subject: Subject,
        parts: &[&str],
        revision: Revision,
        object: &T,
        now: Timestamp,
    ) -> Event {
        let (stream, revision) = (self.stream.to_string(), revision.0.to_string());
        let parts: Vec<&str> = std::iter::once(&*stream).chain(parts.iter().copied()).chain([&*revision]).collect();
        let id = EventId::derived(self.as_of, &parts);
        let data = Data { object, previous_object: None::<&()>, context: Context::of_tenant(self.source) };
        let body = render_body(self.source, id, event_type, self.as_of, &data);
        Event { id, event_type, subject, time: now, body }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::tests::body;
    use crate::ids::{ConnectionId, GroupId, RoleId};
    use crate::organization::OrganizationConnectionSettings;
    use crate::user::UserProfile;

    fn told(existing: Existing, stream: u128) -> Event {
        let source = Source::new("acme", "acme.example");
        let (stream, as_of) = (StreamId::from_number(stream), Timestamp::from_millis(1_700_000_000_000));
        let stored = Versioned { revision: Revision(3), value: existing };
        SnapshotOf { stream, source: &source, as_of }.event(&stored, Timestamp::from_millis(1_700_000_009_000)).unwrap()
    }

    fn user() -> Existing {
        Existing::User(Box::new(User::of_database("db", "1".into(), UserProfile::default(), Timestamp::from_millis(0))))
    }

    #[test]
    fn a_snapshot_tells_what_is_and_tells_it_the_same_again() {
        let event = told(user(), 1);
        assert_eq!(event, told(user(), 1));
        assert_ne!(event.id, told(user(), 2).id);
        assert_eq!(event.time, Timestamp::from_millis(1_700_000_009_000));
        let json = body(&event);
        assert_eq!((&json["type"], &json["time"]), (&json!("user.created"), &json!("2023-11-14T22:13:20.000Z")));
        assert_eq!(json["data"]["object"]["user_id"], "auth0|1");
        assert_eq!(json["data"]["context"], json!({"tenant": {"id": "acme"}}));
    }

    #[test]
    fn groups_are_told_as_the_closed_shapes_have_them() {
        let (id, at) = (GroupId::from_number(7), Timestamp::from_millis(5));
        let key = || GroupKey { id, connection_id: ConnectionId::from_text("con_1") };
        let group = Group {
            id,
            connection_id: key().connection_id,
            name: "a".into(),
            external_id: Some("x".into()),
            created_at: at,
            updated_at: Timestamp::from_millis(9),
        };
        let role = Role { id: RoleId::from_text("rol_1"), name: "admin".into(), description: Some("all".into()) };
        let within = RoleScope::Organization(OrganizationId::from_text("org_1"));
        let reference = json!({"id": id, "type": "connection", "connection_id": "con_1"});
        let (lane, said) = (format!("group:{id}"), json!({"id": "rol_1", "name": "admin"}));
        for (existing, event_type, lane, object) in [
            (
                Existing::Group(Box::new(group)),
                "group.created",
                &*lane,
                json!({"id": id, "name": "a", "external_id": "x", "created_at": at, "type": "connection",
                    "connection_id": "con_1"}),
            ),
            (
                Existing::GroupMember(key(), UserId::from_text("u1")),
                "group.member.added",
                &*lane,
                json!({"group": reference, "member": {"member_type": "user", "id": "u1"}}),
            ),
            (
                Existing::GroupRole(key(), RoleScope::Tenant, role.clone(), at),
                "group.role.assigned",
                &*lane,
                json!({"group": reference, "role": said, "created_at": at}),
            ),
            (
                Existing::GroupRole(key(), within, role, at),
                "organization.group.role.assigned",
                "organization:org_1",
                json!({"organization": {"id": "org_1"}, "group": reference, "role": said, "created_at": at}),
            ),
        ] {
            let event = told(existing, 1);
            assert_eq!(event.subject.as_str(), lane);
            let json = body(&event);
            assert_eq!((&json["type"], &json["data"]["object"]), (&json!(event_type), &object));
        }
    }

    #[test]
    fn what_is_in_an_organization_is_told_in_its_lane() {
        let organization = OrganizationId::from_text("org_1");
        let member = Member { organization: organization.clone(), user: UserId::from_text("auth0|1") };
        let role = Role { id: RoleId::from_text("rol_1"), name: "admin".into(), description: Some("all".into()) };
        let connection = OrganizationConnection {
            connection_id: ConnectionId::from_text("con_1"),
            settings: OrganizationConnectionSettings::default(),
        };
        for (existing, event_type, object) in [
            (
                Existing::OrganizationConnection(organization, Box::new(connection)),
                "organization.connection.added",
                json!({"organization": {"id": "org_1"}, "connection": {"id": "con_1"}, "is_enabled": true,
                    "assign_membership_on_login": false, "show_as_button": true}),
            ),
            (
                Existing::Member(member.clone()),
                "organization.member.added",
                json!({"organization": {"id": "org_1"}, "user": {"user_id": "auth0|1"}}),
            ),
            (
                Existing::MemberRole(member, role),
                "organization.member.role.assigned",
                json!({"organization": {"id": "org_1"}, "user": {"user_id": "auth0|1"},
                    "role": {"id": "rol_1", "name": "admin"}}),
            ),
        ] {
            let event = told(existing, 1);
            assert_eq!(event.subject.as_str(), "organization:org_1");
            let json = body(&event);
            assert_eq!((&json["type"], &json["data"]["object"]), (&json!(event_type), &object));
        }
    }
}
