//! Changes of organizations, their members, the members' roles and the organizations' connections.
//!
//! All events about an organization have it as their subject, also those of what comes and goes in it: a receiver
//! hears of an organization before its members, and of a member before the member's roles.

use serde::Serialize;

use super::{Change, Expect, Origin, Revision, Versioned, Write};
use crate::catalog::EventType;
use crate::event::{Event, Subject};
use crate::ids::{ConnectionId, OrganizationId, RoleId, UserId};
use crate::organization::{
    AccessLevel, Organization, OrganizationConnection, OrganizationConnectionSettings, OrganizationPatch, SettingsPatch,
};
use crate::role::Role;
use crate::user::Metadata;

/// A write about organizations. What names the revision of an organization or role tells its name in the event, so
/// the name must be the one that holds.
#[derive(Clone, Debug, PartialEq)]
pub enum OrganizationWrite {
    /// Creates or changes an organization.
    Put(Expect, Box<Organization>),
    /// Removes an organization with everything in it.
    Delete(Revision, OrganizationId),
    /// Makes a user a member, who is none.
    MemberAdd(Revision, OrganizationId, UserId),
    /// Removes a member, with the roles that they have in it.
    MemberRemove(Revision, OrganizationId, UserId),
    /// Gives a member a role that they do not have in it.
    MemberRoleAssign(Member, Revision, RoleId),
    /// Takes a role from a member who has it.
    MemberRoleRemove(Member, Revision, RoleId),
    /// Enables a connection, or changes the settings for it.
    ConnectionPut(Expect, Revision, OrganizationId, OrganizationConnection),
    /// Removes a connection, at this revision, from an organization at that one.
    ConnectionRemove(Revision, Revision, OrganizationId, ConnectionId),
}

/// A user in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The organization.
    pub organization: OrganizationId,
    /// The user.
    pub user: UserId,
}

impl From<OrganizationWrite> for Write {
    fn from(write: OrganizationWrite) -> Self {
        Self::Organization(write)
    }
}

#[derive(Serialize)]
struct OrganizationReference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    id: &'a OrganizationId,
}

impl<'a> From<&'a Organization> for OrganizationReference<'a> {
    fn from(organization: &'a Organization) -> Self {
        Self { name: Some(&organization.name), id: &organization.id }
    }
}

/// An organization that has gone: the contract leaves out what it looked like.
#[derive(Serialize)]
struct DeletedOrganization<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    id: &'a OrganizationId,
}

#[derive(Serialize)]
struct UserReference<'a> {
    user_id: &'a UserId,
}

#[derive(Serialize)]
struct MemberObject<'a> {
    organization: OrganizationReference<'a>,
    user: UserReference<'a>,
}

#[derive(Serialize)]
struct RoleReference<'a> {
    id: &'a RoleId,
    name: &'a str,
}

#[derive(Serialize)]
struct MemberRoleObject<'a> {
    organization: OrganizationReference<'a>,
    user: UserReference<'a>,
    role: RoleReference<'a>,
}

#[derive(Serialize)]
struct ConnectionReference<'a> {
    id: &'a ConnectionId,
}

#[derive(Serialize)]
struct ConnectionObject<'a> {
    organization: OrganizationReference<'a>,
    connection: ConnectionReference<'a>,
    #[serde(flatten)]
    settings: Option<EventSettings>,
}

/// The settings that events tell.
#[derive(Serialize)]
struct EventSettings {
    assign_membership_on_login: bool,
    show_as_button: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_signup_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_access_level: Option<AccessLevel>,
    is_enabled: bool,
}

impl From<&OrganizationConnectionSettings> for EventSettings {
    fn from(settings: &OrganizationConnectionSettings) -> Self {
        Self {
            assign_membership_on_login: settings.assign_membership_on_login,
            show_as_button: settings.show_as_button,
            is_signup_enabled: settings.is_signup_enabled,
            organization_access_level: settings.organization_access_level,
            is_enabled: settings.is_enabled,
        }
    }
}

impl<'a> ConnectionObject<'a> {
    fn new(organization: &'a Organization, connection: &'a OrganizationConnection) -> Self {
        Self {
            organization: organization.into(),
            connection: ConnectionReference { id: &connection.connection_id },
            settings: Some((&connection.settings).into()),
        }
    }
}

/// A member as a snapshot tells of one.
pub(super) fn member_told(member: &Member) -> impl Serialize + '_ {
    let organization = OrganizationReference { name: None, id: &member.organization };
    MemberObject { organization, user: UserReference { user_id: &member.user } }
}

/// A role of a member as a snapshot tells of one.
pub(super) fn member_role_told<'a>(member: &'a Member, role: &'a Role) -> impl Serialize + 'a {
    MemberRoleObject {
        organization: OrganizationReference { name: None, id: &member.organization },
        user: UserReference { user_id: &member.user },
        role: RoleReference { id: &role.id, name: &role.name },
    }
}

/// A connection of an organization as a snapshot tells of one.
pub(super) fn connection_told<'a>(
    organization: &'a OrganizationId,
    connection: &'a OrganizationConnection,
) -> impl Serialize + 'a {
    ConnectionObject {
        organization: OrganizationReference { name: None, id: organization },
        connection: ConnectionReference { id: &connection.connection_id },
        settings: Some((&connection.settings).into()),
    }
}

fn subject_of(organization: &OrganizationId) -> Subject {
    Subject::new("organization", organization.as_str())
}

/// An event about an organization, without a former object.
fn event<T: Serialize>(origin: &Origin<'_>, event_type: EventType, organization: &OrganizationId, object: &T) -> Event {
    origin.event(event_type, subject_of(organization), object, None::<&()>)
}

/// A new organization raises `organization.created`, and `organization.connection.added` for each of its connections.
pub fn organization_create(
    organization: Organization,
    connections: Vec<OrganizationConnection>,
    origin: &Origin<'_>,
) -> Change {
    let mut events = vec![event(origin, EventType::OrganizationCreated, &organization.id, &organization)];
    let (id, revision) = (organization.id.clone(), Revision(1));
    events.extend(connections.iter().map(|connection| {
        let object = ConnectionObject::new(&organization, connection);
        event(origin, EventType::OrganizationConnectionAdded, &id, &object)
    }));
    let put = OrganizationWrite::Put(Expect::Absent, Box::new(organization));
    let enable = |connection| OrganizationWrite::ConnectionPut(Expect::Absent, revision, id.clone(), connection).into();
    let writes = std::iter::once(put.into()).chain(connections.into_iter().map(enable)).collect();
    Change { writes, events }
}

/// A changed organization raises `organization.updated` with the whole former object; a patch without effect is no
/// change.
pub fn organization_update(
    stored: &Versioned<Organization>,
    patch: OrganizationPatch,
    origin: &Origin<'_>,
) -> Option<(Organization, Change)> {
    let organization = stored.value.patched(patch);
    if organization == stored.value {
        return None;
    }
    let subject = subject_of(&organization.id);
    let event = origin.event(EventType::OrganizationUpdated, subject, &organization, Some(&stored.value));
    let put = OrganizationWrite::Put(Expect::At(stored.revision), Box::new(organization.clone()));
    Some((organization, Change { writes: vec![put.into()], events: vec![event] }))
}

/// A deleted organization raises `organization.deleted`, and nothing for what was in it.
pub fn organization_delete(stored: &Versioned<Organization>, origin: &Origin<'_>) -> Change {
    let Organization { id, name, display_name, metadata, .. } = &stored.value;
    let object = DeletedOrganization { id, name, display_name: display_name.as_deref(), metadata: metadata.as_ref() };
    let event = event(origin, EventType::OrganizationDeleted, id, &object);
    Change { writes: vec![OrganizationWrite::Delete(stored.revision, id.clone()).into()], events: vec![event] }
}

fn members_change(
    organization: &Versioned<Organization>,
    users: Vec<UserId>,
    event_type: EventType,
    write: fn(Revision, OrganizationId, UserId) -> OrganizationWrite,
    origin: &Origin<'_>,
) -> Change {
    let Versioned { revision, value: organization } = organization;
    let event = |user| {
        let object = MemberObject { organization: organization.into(), user: UserReference { user_id: user } };
        event(origin, event_type, &organization.id, &object)
    };
    let events = users.iter().map(event).collect();
    let writes = users.into_iter().map(|user| write(*revision, organization.id.clone(), user).into()).collect();
    Change { writes, events }
}

/// Each new member raises `organization.member.added`; none of `users` is a member yet.
pub fn members_add(organization: &Versioned<Organization>, users: Vec<UserId>, origin: &Origin<'_>) -> Change {
    members_change(organization, users, EventType::OrganizationMemberAdded, OrganizationWrite::MemberAdd, origin)
}

/// Each removed member raises `organization.member.deleted`, and nothing for their roles; each of `users` is a member.
pub fn members_remove(organization: &Versioned<Organization>, users: Vec<UserId>, origin: &Origin<'_>) -> Change {
    members_change(organization, users, EventType::OrganizationMemberDeleted, OrganizationWrite::MemberRemove, origin)
}

fn member_roles_change(
    member: &Member,
    roles: &[Versioned<Role>],
    event_type: EventType,
    write: fn(Member, Revision, RoleId) -> OrganizationWrite,
    origin: &Origin<'_>,
) -> Change {
    let event = |role: &Versioned<Role>| {
        let object = member_role_told(member, &role.value);
        event(origin, event_type, &member.organization, &object)
    };
    let write = |role: &Versioned<Role>| write(member.clone(), role.revision, role.value.id.clone()).into();
    Change { writes: roles.iter().map(write).collect(), events: roles.iter().map(event).collect() }
}

/// Each new role of a member raises `organization.member.role.assigned`; the member has none of `roles` yet.
pub fn member_roles_assign(member: &Member, roles: &[Versioned<Role>], origin: &Origin<'_>) -> Change {
    let event_type = EventType::OrganizationMemberRoleAssigned;
    member_roles_change(member, roles, event_type, OrganizationWrite::MemberRoleAssign, origin)
}

/// Each role taken from a member raises `organization.member.role.deleted`; the member has all of `roles`.
pub fn member_roles_remove(member: &Member, roles: &[Versioned<Role>], origin: &Origin<'_>) -> Change {
    let event_type = EventType::OrganizationMemberRoleDeleted;
    member_roles_change(member, roles, event_type, OrganizationWrite::MemberRoleRemove, origin)
}

/// A connection that an organization enables raises `organization.connection.added`.
pub fn organization_connection_add(
    organization: &Versioned<Organization>,
    connection: OrganizationConnection,
    origin: &Origin<'_>,
) -> Change {
    let Versioned { revision, value: organization } = organization;
    let object = ConnectionObject::new(organization, &connection);
    let event = event(origin, EventType::OrganizationConnectionAdded, &organization.id, &object);
    let put = OrganizationWrite::ConnectionPut(Expect::Absent, *revision, organization.id.clone(), connection);
    Change { writes: vec![put.into()], events: vec![event] }
}

/// Changed settings raise `organization.connection.updated` with the whole former object; a patch without effect is no
/// change.
pub fn organization_connection_update(
    organization: &Versioned<Organization>,
    stored: &Versioned<OrganizationConnection>,
    patch: SettingsPatch,
    origin: &Origin<'_>,
) -> Option<(OrganizationConnection, Change)> {
    let Versioned { revision, value: organization } = organization;
    let mut connection = stored.value.clone();
    connection.settings = stored.value.settings.patched(patch);
    if connection == stored.value {
        return None;
    }
    let object = ConnectionObject::new(organization, &connection);
    let former = ConnectionObject::new(organization, &stored.value);
    let subject = subject_of(&organization.id);
    let event = origin.event(EventType::OrganizationConnectionUpdated, subject, &object, Some(&former));
    let id = organization.id.clone();
    let put = OrganizationWrite::ConnectionPut(Expect::At(stored.revision), *revision, id, connection.clone());
    Some((connection, Change { writes: vec![put.into()], events: vec![event] }))
}

/// A connection that is taken from an organization raises `organization.connection.removed`.
pub fn organization_connection_remove(
    organization: &Versioned<Organization>,
    stored: &Versioned<OrganizationConnection>,
    origin: &Origin<'_>,
) -> Change {
    let Versioned { revision, value: organization } = organization;
    let connection = &stored.value.connection_id;
    let object = ConnectionObject {
        organization: organization.into(),
        connection: ConnectionReference { id: connection },
        settings: None,
    };
    let event = event(origin, EventType::OrganizationConnectionRemoved, &organization.id, &object);
    let (id, at) = (organization.id.clone(), stored.revision);
    let remove = OrganizationWrite::ConnectionRemove(at, *revision, id, connection.clone());
    Change { writes: vec![remove.into()], events: vec![event] }
}
