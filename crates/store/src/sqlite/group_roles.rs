//! The roles of groups, by themselves and in organizations.

use async_trait::async_trait;
use domain::change::RoleScope;
use domain::clock::Timestamp;
use domain::group::Group;
use domain::ids::{GroupId, OrganizationId, RoleId, TenantId};
use domain::role::Role;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::change::{add, remove};
use super::groups::group_of;
use super::rows::{Place, query, to_json};
use super::writer::Writing;
use crate::{GroupRoles, StoreError};

#[async_trait]
impl GroupRoles for SqliteStore {
    async fn group_roles_after(
        &self,
        tenant: TenantId,
        group: GroupId,
        scope: RoleScope,
        after: Option<&RoleId>,
        take: u32,
    ) -> Result<Vec<Role>, StoreError> {
        let after = after.map_or(String::new(), |after| after.as_str().to_owned());
        let sql = format!(
            "SELECT role_id, name, description FROM group_roles JOIN roles ON roles.number = role_number
             WHERE tenant_id = ?1 AND group_id = ?2 AND {SCOPE} AND role_id > ?4 ORDER BY role_id LIMIT ?5"
        );
        let read = move |reader: &Connection| {
            let values = params![tenant.0, group.to_string(), organization(&scope), after, take];
            query(reader, &sql, values, |row| {
                let id = RoleId::from_text(row.get::<_, String>(0)?);
                Ok(Ok(Role { id, name: row.get(1)?, description: row.get(2)? }))
            })
        };
        self.readers.read(read).await
    }

    async fn group_roles_among(
        &self,
        tenant: TenantId,
        scope: RoleScope,
        groups: Vec<GroupId>,
        roles: Vec<RoleId>,
    ) -> Result<Vec<(GroupId, RoleId)>, StoreError> {
        let sql = format!(
            "SELECT group_id, role_id FROM group_roles JOIN roles ON roles.number = role_number
             WHERE tenant_id = ?1 AND {SCOPE} AND group_id IN (SELECT value FROM json_each(?2))
             AND role_id IN (SELECT value FROM json_each(?4))"
        );
        let read = move |reader: &Connection| {
            let values = params![tenant.0, to_json(&groups), organization(&scope), to_json(&roles)];
            query(reader, &sql, values, pair_of)
        };
        self.readers.read(read).await
    }

    async fn role_groups_after(
        &self,
        tenant: TenantId,
        role: &RoleId,
        after: Option<GroupId>,
        take: u32,
    ) -> Result<Vec<Group>, StoreError> {
        let condition = "organization_number IS NULL
            AND role_number = (SELECT number FROM roles WHERE tenant_id = ?1 AND role_id = ?2)";
        self.groups_having(tenant, condition, role.as_str(), after, take).await
    }

    async fn organization_groups_after(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        after: Option<GroupId>,
        take: u32,
    ) -> Result<Vec<Group>, StoreError> {
        let condition = "organization_number =
            (SELECT number FROM organizations WHERE tenant_id = ?1 AND organization_id = ?2)";
        self.groups_having(tenant, condition, organization.as_str(), after, take).await
    }
}

impl SqliteStore {
    /// The groups that have a role of which `condition` holds.
    async fn groups_having(
        &self,
        tenant: TenantId,
        condition: &str,
        id: &str,
        after: Option<GroupId>,
        take: u32,
    ) -> Result<Vec<Group>, StoreError> {
        let (id, after) = (id.to_owned(), after.map_or(String::new(), |after| after.to_string()));
        let sql = format!(
            "SELECT revision, group_id, connection_id, name, external_id, created_at, updated_at FROM groups
             WHERE tenant_id = ?1 AND group_id > ?3
             AND group_id IN (SELECT group_id FROM group_roles WHERE {condition}) ORDER BY group_id LIMIT ?4"
        );
        let read = move |reader: &Connection| query(reader, &sql, params![tenant.0, id, after, take], group_of);
        Ok(self.readers.read(read).await?.into_iter().map(|group| group.value).collect())
    }
}

/// The rows of a scope; ?3 is its organization.
const SCOPE: &str = "ifnull(organization_number, 0) =
  iif(?3 IS NULL, 0, (SELECT number FROM organizations WHERE tenant_id = ?1 AND organization_id = ?3))";

fn organization(scope: &RoleScope) -> Option<&str> {
    match scope {
        RoleScope::Tenant => None,
        RoleScope::Organization(id) => Some(id.as_str()),
    }
}

fn pair_of(row: &Row<'_>) -> rusqlite::Result<Result<(GroupId, RoleId), StoreError>> {
    let group: String = row.get(0)?;
    let role = RoleId::from_text(row.get::<_, String>(1)?);
    let place = Place { table: "group_roles", column: "group_id", row: &group };
    Ok(GroupId::parse(&group).map_err(|_| place.corrupt()).map(|group| (group, role)))
}

pub(super) fn role_assign(
    writing: &Writing<'_>,
    tenant: TenantId,
    group: GroupId,
    scope: &RoleScope,
    role: &RoleId,
    now: Timestamp,
) -> Result<(), StoreError> {
    // An organization that has gone gives no row.
    let sql = "INSERT INTO group_roles (group_id, role_number, organization_number, assigned_at)
               SELECT group_id, roles.number, organizations.number, ?5 FROM groups
               JOIN roles ON roles.tenant_id = ?1 AND role_id = ?4
               LEFT JOIN organizations ON organizations.tenant_id = ?1 AND organization_id = ?3
               WHERE groups.tenant_id = ?1 AND group_id = ?2 AND (?3 IS NULL OR organizations.number IS NOT NULL)";
    let values = params![tenant.0, group.to_string(), organization(scope), role.as_str(), now.as_millis()];
    add(writing, sql, values)
}

pub(super) fn role_delete(
    writing: &Writing<'_>,
    tenant: TenantId,
    group: GroupId,
    scope: &RoleScope,
    role: &RoleId,
) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM group_roles WHERE group_id = ?2 AND {SCOPE}
         AND role_number = (SELECT number FROM roles WHERE tenant_id = ?1 AND role_id = ?4)"
    );
    let values = params![tenant.0, group.to_string(), organization(scope), role.as_str()];
    remove(writing, &sql, values)
}
