//! What of groups snapshots are told of before it changes.

use domain::change::{GroupWrite, RoleScope};
use domain::clock::Timestamp;
use domain::ids::TenantId;
use rusqlite::params;

use super::kinds::Kind;
use super::{ORGANIZATION, Touched, tell_before};
use crate::StoreError;
use crate::sqlite::writer::Writing;

const CONNECTION: &str = "x.tenant_id = ?1 AND x.connection_id =
    ifnull(?3, (SELECT connection_id FROM groups WHERE tenant_id = ?1 AND group_id = ?2))";
const GROUP: &str = "x.tenant_id = ?1 AND x.group_id = ?2";
const MEMBER: &str = "g.tenant_id = ?1 AND x.group_id = ?2
    AND x.user_number = (SELECT number FROM users WHERE tenant_id = ?1 AND user_id = ?3)";
const ROLE: &str = "g.tenant_id = ?1 AND x.group_id = ?2 AND r.role_id = ?3";
const ORGANIZATION_ROLE: &str = "g.tenant_id = ?1 AND x.group_id = ?2 AND r.role_id = ?3 AND o.organization_id = ?4";

/// Before something about a group is written: its connection is told of first, then the group, then what is in it, as far
/// as the write is about that.
pub(in crate::sqlite) fn group_changes(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    write: &GroupWrite,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (id, connection) = match write {
        GroupWrite::Put(_, group) => (group.id, Some(group.connection_id.as_str())),
        GroupWrite::Delete(_, id)
        | GroupWrite::MemberAdd(id, ..)
        | GroupWrite::MemberDelete(id, _)
        | GroupWrite::RoleAssign(id, ..)
        | GroupWrite::RoleDelete(id, ..) => (*id, None),
    };
    let id = id.to_string();
    let connection: Touched<'_> = (Kind::Connections, CONNECTION, params![tenant.0, id, connection]);
    let group: Touched<'_> = (Kind::Groups, GROUP, params![tenant.0, id]);
    tell_before(writing, tenant, &[connection, group], now)?;
    match write {
        GroupWrite::Put(..)
        | GroupWrite::Delete(..)
        | GroupWrite::MemberAdd(..)
        | GroupWrite::RoleAssign(_, RoleScope::Tenant, ..) => Ok(()),
        GroupWrite::MemberDelete(_, user) => {
            let values = params![tenant.0, id, user.as_str()];
            tell_before(writing, tenant, &[(Kind::GroupMembers, MEMBER, values)], now)
        }
        GroupWrite::RoleDelete(_, RoleScope::Tenant, role) => {
            let values = params![tenant.0, id, role.as_str()];
            tell_before(writing, tenant, &[(Kind::GroupRoles, ROLE, values)], now)
        }
        GroupWrite::RoleAssign(_, RoleScope::Organization(organization), ..) => {
            let values = params![tenant.0, organization.as_str()];
            tell_before(writing, tenant, &[(Kind::Organizations, ORGANIZATION, values)], now)
        }
        GroupWrite::RoleDelete(_, RoleScope::Organization(organization), role) => {
            let whole: Touched<'_> = (Kind::Organizations, ORGANIZATION, params![tenant.0, organization.as_str()]);
            let values = params![tenant.0, id, role.as_str(), organization.as_str()];
            let role = (Kind::OrganizationGroupRoles, ORGANIZATION_ROLE, values);
            tell_before(writing, tenant, &[whole, role], now)
        }
    }
}
