//! The events that tell one stream of what existed when its snapshot was begun.

use serde::Serialize;

use super::organizations::{connection_told, member_role_told, member_told};
use super::{Context, Data, Member, Revision, Versioned};
use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::connection::{Connection, ConnectionObject};
use crate::erasure::subject_of;
use crate::event::{Event, Source, Subject, render_body};
use crate::ids::{EventId, OrganizationId, StreamId};
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
    /// organizations are left out where the contract lets them be: they may have changed since. `None` if it is a
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
    use crate::ids::{ConnectionId, RoleId, UserId};
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
