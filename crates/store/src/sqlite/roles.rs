//! Roles, and the users who have them.

use async_trait::async_trait;
use domain::change::{Revision, RoleWrite, Versioned};
use domain::ids::{RoleId, TenantId, UserId};
use domain::role::Role;
use domain::user::User;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::change::{add, delete, put, revisions};
use super::rows::{count, query, run};
use super::users::user_of;
use super::writer::Writing;
use crate::{Conflict, Numbered, Page, Roles, Slice, StoreError};

#[async_trait]
impl Roles for SqliteStore {
    async fn role_get(&self, tenant: TenantId, id: &RoleId) -> Result<Option<Versioned<Role>>, StoreError> {
        let id = id.clone();
        self.readers.read(move |database| role_get(database, tenant, &id)).await
    }

    async fn role_page(&self, tenant: TenantId, name: Option<&str>, page: Page) -> Result<Vec<Role>, StoreError> {
        let name = name.map(str::to_owned);
        self.readers.read(move |database| role_page(database, tenant, name.as_deref(), page)).await
    }

    async fn role_count(&self, tenant: TenantId, name: Option<&str>) -> Result<u64, StoreError> {
        let name = name.map(str::to_owned);
        self.readers.read(move |database| role_count(database, tenant, name.as_deref())).await
    }

    async fn user_role_page(&self, tenant: TenantId, user: &UserId, page: Page) -> Result<Vec<Role>, StoreError> {
        let user = user.clone();
        self.readers.read(move |database| user_role_page(database, tenant, &user, page)).await
    }

    async fn user_role_count(&self, tenant: TenantId, user: &UserId) -> Result<u64, StoreError> {
        let user = user.clone();
        self.readers.read(move |database| user_role_count(database, tenant, &user)).await
    }

    async fn role_user_slice(
        &self,
        tenant: TenantId,
        role: &RoleId,
        slice: Slice,
    ) -> Result<Vec<Numbered<User>>, StoreError> {
        let role = role.clone();
        self.readers.read(move |database| role_user_slice(database, tenant, &role, slice)).await
    }

    async fn role_user_count(&self, tenant: TenantId, role: &RoleId) -> Result<u64, StoreError> {
        let role = role.clone();
        self.readers.read(move |database| role_user_count(database, tenant, &role)).await
    }
}

const COLUMNS: &str = "SELECT r.revision, r.role_id, r.name, r.description FROM roles r";
const BY_NAME: &str = "WHERE r.tenant_id = ?1 AND (?2 IS NULL OR instr(lower(r.name), lower(?2)) > 0)";
const OF_USER: &str = "JOIN user_roles ur ON ur.role_number = r.number JOIN users u ON u.number = ur.user_number
  WHERE u.tenant_id = ?1 AND u.user_id = ?2";
const USERS: &str = "FROM user_roles ur JOIN users u ON u.number = ur.user_number
  WHERE ur.role_number = (SELECT number FROM roles WHERE tenant_id = ?1 AND role_id = ?2)";

pub(super) fn role_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<Role>, StoreError>> {
    let value = Role { id: RoleId::from_text(row.get::<_, String>(1)?), name: row.get(2)?, description: row.get(3)? };
    Ok(Ok(Versioned { revision: Revision(row.get(0)?), value }))
}

pub(super) fn role_write(writing: &Writing<'_>, tenant: TenantId, write: &RoleWrite) -> Result<(), StoreError> {
    match write {
        RoleWrite::Put(expect, role) => {
            let (revision, current) = revisions(*expect);
            let (id, taken) = (role.id.as_str(), Conflict::Role);
            match current {
                None => put(
                    writing,
                    "INSERT INTO roles (tenant_id, role_id, revision, name, description) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![tenant.0, id, revision, role.name, role.description],
                    taken,
                ),
                Some(current) => put(
                    writing,
                    "UPDATE roles SET revision = ?3, name = ?4, description = ?5
                     WHERE tenant_id = ?1 AND role_id = ?2 AND revision = ?6",
                    params![tenant.0, id, revision, role.name, role.description, current],
                    taken,
                ),
            }
        }
        RoleWrite::Delete(revision, id) => delete(writing, "roles", "role_id", tenant, id.as_str(), *revision),
        RoleWrite::Assign(user, role) => {
            // A row is changed also where it is there already, so that none means that one of the two has gone.
            let sql =
                "INSERT INTO user_roles (user_number, role_number) SELECT u.number, r.number FROM users u, roles r
                       WHERE u.tenant_id = ?1 AND u.user_id = ?2 AND u.linked_to IS NULL
                       AND r.tenant_id = ?1 AND r.role_id = ?3
                       ON CONFLICT (user_number, role_number) DO UPDATE SET role_number = role_number";
            add(writing, sql, params![tenant.0, user.as_str(), role.as_str()])
        }
        RoleWrite::Unassign(user, role) => {
            let sql = "DELETE FROM user_roles
                       WHERE user_number = (SELECT number FROM users WHERE tenant_id = ?1 AND user_id = ?2)
                       AND role_number = (SELECT number FROM roles WHERE tenant_id = ?1 AND role_id = ?3)";
            run(writing.connection, sql, params![tenant.0, user.as_str(), role.as_str()]).map(|_| ())
        }
    }
}

fn role_get(connection: &Connection, tenant: TenantId, id: &RoleId) -> Result<Option<Versioned<Role>>, StoreError> {
    let sql = format!("{COLUMNS} WHERE r.tenant_id = ?1 AND r.role_id = ?2");
    Ok(query(connection, &sql, params![tenant.0, id.as_str()], role_of)?.pop())
}

fn role_page(
    connection: &Connection,
    tenant: TenantId,
    name: Option<&str>,
    page: Page,
) -> Result<Vec<Role>, StoreError> {
    let sql = format!("{COLUMNS} {BY_NAME} ORDER BY r.number LIMIT ?3 OFFSET ?4");
    values_of(query(connection, &sql, params![tenant.0, name, page.limit, page.offset], role_of))
}

pub(super) fn values_of<T>(found: Result<Vec<Versioned<T>>, StoreError>) -> Result<Vec<T>, StoreError> {
    Ok(found?.into_iter().map(|stored| stored.value).collect())
}

fn role_count(connection: &Connection, tenant: TenantId, name: Option<&str>) -> Result<u64, StoreError> {
    count(connection, &format!("SELECT count(*) FROM roles r {BY_NAME}"), params![tenant.0, name])
}

fn user_role_page(
    connection: &Connection,
    tenant: TenantId,
    user: &UserId,
    page: Page,
) -> Result<Vec<Role>, StoreError> {
    let sql = format!("{COLUMNS} {OF_USER} ORDER BY ur.number LIMIT ?3 OFFSET ?4");
    values_of(query(connection, &sql, params![tenant.0, user.as_str(), page.limit, page.offset], role_of))
}

fn user_role_count(connection: &Connection, tenant: TenantId, user: &UserId) -> Result<u64, StoreError> {
    count(connection, &format!("SELECT count(*) FROM roles r {OF_USER}"), params![tenant.0, user.as_str()])
}

fn role_user_slice(
    connection: &Connection,
    tenant: TenantId,
    role: &RoleId,
    slice: Slice,
) -> Result<Vec<Numbered<User>>, StoreError> {
    let sql = format!(
        "SELECT ur.number, u.user_id, u.document {USERS} AND ur.number > ?3 ORDER BY ur.number LIMIT ?4 OFFSET ?5"
    );
    let values = params![tenant.0, role.as_str(), slice.after, slice.limit, slice.offset];
    query(connection, &sql, values, |row| {
        let (number, id, document): (u64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(user_of(&id, &document).map(|value| Numbered { number, value }))
    })
}

fn role_user_count(connection: &Connection, tenant: TenantId, role: &RoleId) -> Result<u64, StoreError> {
    count(connection, &format!("SELECT count(*) {USERS}"), params![tenant.0, role.as_str()])
}
