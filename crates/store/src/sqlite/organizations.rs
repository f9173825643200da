//! Organizations. What is in them is in `organization_members.rs` and `organization_connections.rs`.

use async_trait::async_trait;
use domain::change::{OrganizationWrite, Revision, Versioned};
use domain::ids::{OrganizationId, TenantId};
use domain::organization::Organization;
use rusqlite::{Connection, Row, ToSql, params};

use super::SqliteStore;
use super::change::{delete, put, revisions};
use super::rows::{Place, count, json, query, to_json};
use super::writer::Writing;
use super::{organization_connections, organization_members};
use crate::{Conflict, Numbered, Organizations, Slice, StoreError};

#[async_trait]
impl Organizations for SqliteStore {
    async fn organization_get(
        &self,
        tenant: TenantId,
        id: &OrganizationId,
    ) -> Result<Option<Versioned<Organization>>, StoreError> {
        let id = id.clone();
        self.readers.read(move |database| organization_get(database, tenant, &id)).await
    }

    async fn organization_by_name(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Versioned<Organization>>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |database| organization_by_name(database, tenant, &name)).await
    }

    async fn organization_slice(
        &self,
        tenant: TenantId,
        slice: Slice,
    ) -> Result<Vec<Numbered<Organization>>, StoreError> {
        self.readers.read(move |database| organization_slice(database, tenant, slice)).await
    }

    async fn organization_count(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.readers.read(move |database| organization_count(database, tenant)).await
    }
}

const COLUMNS: &str = "SELECT number, revision, organization_id, document FROM organizations";

/// The number of the organization `?2` of the tenant `?1`.
pub(super) const NUMBER: &str = "(SELECT number FROM organizations WHERE tenant_id = ?1 AND organization_id = ?2)";

pub(super) fn organization_write(
    writing: &Writing<'_>,
    tenant: TenantId,
    write: &OrganizationWrite,
) -> Result<(), StoreError> {
    match write {
        OrganizationWrite::Put(expect, organization) => {
            let (revision, current) = revisions(*expect);
            let (id, name, document) = (organization.id.as_str(), &organization.name, to_json(organization));
            match current {
                None => put(
                    writing,
                    "INSERT INTO organizations (tenant_id, organization_id, revision, name, document)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![tenant.0, id, revision, name, document],
                    Conflict::OrganizationName,
                ),
                Some(current) => put(
                    writing,
                    "UPDATE organizations SET revision = ?3, name = ?4, document = ?5
                     WHERE tenant_id = ?1 AND organization_id = ?2 AND revision = ?6",
                    params![tenant.0, id, revision, name, document, current],
                    Conflict::OrganizationName,
                ),
            }
        }
        OrganizationWrite::Delete(revision, id) => {
            delete(writing, "organizations", "organization_id", tenant, id.as_str(), *revision)
        }
        OrganizationWrite::MemberAdd(revision, organization, user) => {
            organization_members::member_add(writing, tenant, *revision, organization, user)
        }
        OrganizationWrite::MemberRemove(revision, organization, user) => {
            organization_members::member_remove(writing, tenant, *revision, organization, user)
        }
        OrganizationWrite::MemberRoleAssign(member, revision, role) => {
            organization_members::role_assign(writing, tenant, member, *revision, role)
        }
        OrganizationWrite::MemberRoleRemove(member, revision, role) => {
            organization_members::role_remove(writing, tenant, member, *revision, role)
        }
        OrganizationWrite::ConnectionPut(expect, revision, organization, connection) => {
            organization_connections::connection_put(writing, tenant, *expect, *revision, organization, connection)
        }
        OrganizationWrite::ConnectionRemove(at, revision, organization, connection) => {
            organization_connections::connection_remove(writing, tenant, *at, *revision, organization, connection)
        }
    }
}

pub(super) fn organization_of(
    row: &Row<'_>,
) -> rusqlite::Result<Result<Numbered<Versioned<Organization>>, StoreError>> {
    let number = row.get(0)?;
    let revision = Revision(row.get(1)?);
    let (id, document): (String, String) = (row.get(2)?, row.get(3)?);
    let read = json(&document, Place { table: "organizations", column: "document", row: &id });
    Ok(read.map(|value| Numbered { number, value: Versioned { revision, value } }))
}

fn one(
    connection: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Option<Versioned<Organization>>, StoreError> {
    let found = query(connection, &format!("{COLUMNS} WHERE {condition}"), values, organization_of)?.pop();
    Ok(found.map(|numbered| numbered.value))
}

fn organization_get(
    connection: &Connection,
    tenant: TenantId,
    id: &OrganizationId,
) -> Result<Option<Versioned<Organization>>, StoreError> {
    one(connection, "tenant_id = ?1 AND organization_id = ?2", params![tenant.0, id.as_str()])
}

fn organization_by_name(
    connection: &Connection,
    tenant: TenantId,
    name: &str,
) -> Result<Option<Versioned<Organization>>, StoreError> {
    one(connection, "tenant_id = ?1 AND name = ?2", params![tenant.0, name])
}

fn organization_slice(
    connection: &Connection,
    tenant: TenantId,
    slice: Slice,
) -> Result<Vec<Numbered<Organization>>, StoreError> {
    let sql = format!("{COLUMNS} WHERE tenant_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3 OFFSET ?4");
    let values = params![tenant.0, slice.after, slice.limit, slice.offset];
    let found = query(connection, &sql, values, organization_of)?;
    Ok(found.into_iter().map(|each| Numbered { number: each.number, value: each.value.value }).collect())
}

fn organization_count(connection: &Connection, tenant: TenantId) -> Result<u64, StoreError> {
    count(connection, "SELECT count(*) FROM organizations WHERE tenant_id = ?1", params![tenant.0])
}
