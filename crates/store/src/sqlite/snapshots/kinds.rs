//! What a snapshot tells of, kind by kind: a numbered table each.

use domain::catalog::EventType;
use domain::change::{Existing, Member, Revision, RoleScope, Versioned};
use domain::clock::Timestamp;
use domain::group::GroupKey;
use domain::ids::{ConnectionId, GroupId, OrganizationId, RoleId, TenantId, UserId};
use domain::organization::OrganizationConnection;
use domain::role::Role;
use rusqlite::{Row, ToSql};

use crate::sqlite::connections::connection_of;
use crate::sqlite::groups::group_of;
use crate::sqlite::rows::{Place, json, query};
use crate::sqlite::users::user_of;
use crate::sqlite::writer::Writing;
use crate::{Keyring, StoreError};

/// A kind of what exists. The numbers are stored, with room for others between them. Their order is that in which they
/// are told, so that a receiver hears of a thing before what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Users = 0,
    Connections = 10,
    Groups = 20,
    GroupMembers = 30,
    Organizations = 40,
    OrganizationConnections = 50,
    Members = 60,
    MemberRoles = 70,
    GroupRoles = 80,
    OrganizationGroupRoles = 90,
}

/// A row with the number that the steps go by.
pub(super) struct Numbered {
    pub(super) number: i64,
    pub(super) tenant: TenantId,
    pub(super) stored: Versioned<Existing>,
}

impl Kind {
    pub(super) const ALL: &'static [Self] = &[
        Self::Users,
        Self::Connections,
        Self::Groups,
        Self::GroupMembers,
        Self::Organizations,
        Self::OrganizationConnections,
        Self::Members,
        Self::MemberRoles,
        Self::GroupRoles,
        Self::OrganizationGroupRoles,
    ];

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u8 == number)
    }

    /// What a stream is told of it by.
    pub(super) const fn event_type(self) -> EventType {
        match self {
            Self::Users => EventType::UserCreated,
            Self::Connections => EventType::ConnectionCreated,
            Self::Groups => EventType::GroupCreated,
            Self::GroupMembers => EventType::GroupMemberAdded,
            Self::Organizations => EventType::OrganizationCreated,
            Self::OrganizationConnections => EventType::OrganizationConnectionAdded,
            Self::Members => EventType::OrganizationMemberAdded,
            Self::MemberRoles => EventType::OrganizationMemberRoleAssigned,
            Self::GroupRoles => EventType::GroupRoleAssigned,
            Self::OrganizationGroupRoles => EventType::OrganizationGroupRoleAssigned,
        }
    }

    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Connections => "connections",
            Self::Groups => "groups",
            Self::GroupMembers => "group_members",
            Self::Organizations => "organizations",
            Self::OrganizationConnections => "organization_connections",
            Self::Members => "organization_members",
            Self::MemberRoles => "organization_member_roles",
            Self::GroupRoles | Self::OrganizationGroupRoles => "group_roles",
        }
    }

    /// What is read of a row `x`, from its revision to its number and its tenant; a condition follows.
    const fn select(self) -> &'static str {
        match self {
            Self::Users => {
                "SELECT x.revision, x.user_id, x.document, x.number, x.tenant_id FROM users x
                 WHERE x.linked_to IS NULL AND "
            }
            Self::Connections => {
                "SELECT x.revision, x.connection_id, x.name, x.strategy, x.enabled_clients, x.settings, x.options,
                        x.created_at, x.number, x.tenant_id
                 FROM connections x WHERE "
            }
            Self::Groups => {
                "SELECT x.revision, x.group_id, x.connection_id, x.name, x.external_id, x.created_at, x.updated_at,
                        x.number, x.tenant_id
                 FROM groups x WHERE "
            }
            Self::GroupMembers => {
                "SELECT 1, g.group_id, g.connection_id, u.user_id, x.number, g.tenant_id FROM group_members x
                 CROSS JOIN groups g ON g.group_id = x.group_id
                 CROSS JOIN users u ON u.number = x.user_number WHERE "
            }
            Self::Organizations => {
                "SELECT x.revision, x.organization_id, x.document, x.number, x.tenant_id FROM organizations x WHERE "
            }
            Self::OrganizationConnections => {
                "SELECT x.revision, o.organization_id, c.connection_id, x.settings, x.number, o.tenant_id
                 FROM organization_connections x
                 CROSS JOIN organizations o ON o.number = x.organization_number
                 CROSS JOIN connections c ON c.number = x.connection_number WHERE "
            }
            Self::Members => {
                "SELECT 1, o.organization_id, u.user_id, x.number, o.tenant_id FROM organization_members x
                 CROSS JOIN organizations o ON o.number = x.organization_number
                 CROSS JOIN users u ON u.number = x.user_number WHERE "
            }
            Self::MemberRoles => {
                "SELECT 1, o.organization_id, u.user_id, r.role_id, r.name, x.number, o.tenant_id
                 FROM organization_member_roles x
                 CROSS JOIN organization_members m ON m.number = x.member_number
                 CROSS JOIN organizations o ON o.number = m.organization_number
                 CROSS JOIN users u ON u.number = m.user_number
                 CROSS JOIN roles r ON r.number = x.role_number WHERE "
            }
            Self::GroupRoles => {
                "SELECT 1, g.group_id, g.connection_id, r.role_id, r.name, x.assigned_at, x.number, g.tenant_id
                 FROM group_roles x
                 CROSS JOIN groups g ON g.group_id = x.group_id
                 CROSS JOIN roles r ON r.number = x.role_number
                 WHERE x.organization_number IS NULL AND "
            }
            Self::OrganizationGroupRoles => {
                "SELECT 1, g.group_id, g.connection_id, r.role_id, r.name, x.assigned_at, o.organization_id, x.number,
                        g.tenant_id
                 FROM group_roles x
                 CROSS JOIN groups g ON g.group_id = x.group_id
                 CROSS JOIN roles r ON r.number = x.role_number
                 CROSS JOIN organizations o ON o.number = x.organization_number WHERE "
            }
        }
    }

    fn read(self, row: &Row<'_>, keyring: &Keyring) -> rusqlite::Result<Result<Numbered, StoreError>> {
        let columns = row.as_ref().column_count();
        let (number, tenant) = (row.get(columns - 2)?, TenantId(row.get(columns - 1)?));
        let revision = Revision(row.get(0)?);
        let existing = self.existing(row, keyring)?;
        Ok(existing.map(|value| Numbered { number, tenant, stored: Versioned { revision, value } }))
    }

    fn existing(self, row: &Row<'_>, keyring: &Keyring) -> rusqlite::Result<Result<Existing, StoreError>> {
        let text = |index| row.get::<_, String>(index);
        let id = text(1)?;
        let place = |column| Place { table: self.table(), column, row: &id };
        Ok(match self {
            Self::Users => user_of(&id, &text(2)?).map(|user| Existing::User(Box::new(user))),
            Self::Connections => {
                connection_of(row, keyring)?.map(|stored| Existing::Connection(Box::new(stored.value)))
            }
            Self::Groups => group_of(row)?.map(|stored| Existing::Group(Box::new(stored.value))),
            Self::GroupMembers => {
                let user = UserId::from_text(text(3)?);
                group_key(row)?.map(|group| Existing::GroupMember(group, user))
            }
            Self::GroupRoles => group_role(row, RoleScope::Tenant)?,
            Self::OrganizationGroupRoles => {
                group_role(row, RoleScope::Organization(OrganizationId::from_text(text(6)?)))?
            }
            Self::Organizations => {
                json(&text(2)?, place("document")).map(|organization| Existing::Organization(Box::new(organization)))
            }
            Self::OrganizationConnections => {
                let connection_id = ConnectionId::from_text(text(2)?);
                json(&text(3)?, place("settings")).map(|settings| {
                    let connection = OrganizationConnection { connection_id, settings };
                    Existing::OrganizationConnection(OrganizationId::from_text(&*id), Box::new(connection))
                })
            }
            Self::Members => Ok(Existing::Member(member(id, text(2)?))),
            Self::MemberRoles => {
                let role = Role { id: RoleId::from_text(text(3)?), name: text(4)?, description: None };
                Ok(Existing::MemberRole(member(id, text(2)?), role))
            }
        })
    }

    /// The rows for which a condition on `x` and what it is joined with holds.
    pub(super) fn rows(
        self,
        writing: &Writing<'_>,
        condition: &str,
        values: &[&dyn ToSql],
    ) -> Result<Vec<Numbered>, StoreError> {
        let sql = format!("{}{condition}", self.select());
        query(writing.connection, &sql, values, |row| self.read(row, writing.keyring))
    }
}

fn member(organization: String, user: String) -> Member {
    Member { organization: OrganizationId::from_text(organization), user: UserId::from_text(user) }
}

/// Which group a row is about.
fn group_key(row: &Row<'_>) -> rusqlite::Result<Result<GroupKey, StoreError>> {
    let id: String = row.get(1)?;
    let connection_id = ConnectionId::from_text(row.get::<_, String>(2)?);
    let place = Place { table: "groups", column: "group_id", row: &id };
    Ok(GroupId::parse(&id).map_err(|_| place.corrupt()).map(|id| GroupKey { id, connection_id }))
}

fn group_role(row: &Row<'_>, scope: RoleScope) -> rusqlite::Result<Result<Existing, StoreError>> {
    let role = Role { id: RoleId::from_text(row.get::<_, String>(3)?), name: row.get(4)?, description: None };
    let assigned_at = Timestamp::from_millis(row.get(5)?);
    Ok(group_key(row)?.map(|group| Existing::GroupRole(group, scope, role, assigned_at)))
}
