//! The connections of organizations.

use async_trait::async_trait;
use domain::change::{Expect, Revision, Versioned};
use domain::ids::{ConnectionId, OrganizationId, TenantId};
use domain::organization::OrganizationConnection;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::change::{put, remove, revisions};
use super::organizations::NUMBER;
use super::rows::{Place, count, json, query, to_json};
use super::writer::Writing;
use crate::{Conflict, ConnectionsView, EnabledConnection, Numbered, OrganizationConnections, Slice, StoreError};

#[async_trait]
impl OrganizationConnections for SqliteStore {
    async fn organization_connection_get(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<Option<Versioned<EnabledConnection>>, StoreError> {
        let organization = organization.clone();
        let connection = connection.clone();
        self.readers
            .read(move |database| organization_connection_get(database, tenant, &organization, &connection))
            .await
    }

    async fn organization_connection_slice(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        view: ConnectionsView,
        slice: Slice,
    ) -> Result<Vec<Numbered<EnabledConnection>>, StoreError> {
        let organization = organization.clone();
        self.readers
            .read(move |database| organization_connection_slice(database, tenant, &organization, view, slice))
            .await
    }

    async fn organization_connection_count(
        &self,
        tenant: TenantId,
        organization: &OrganizationId,
        view: ConnectionsView,
    ) -> Result<u64, StoreError> {
        let organization = organization.clone();
        self.readers.read(move |database| organization_connection_count(database, tenant, &organization, view)).await
    }
}

const COLUMNS: &str = "SELECT oc.number, oc.revision, c.connection_id, oc.settings, c.name, c.strategy
  FROM organization_connections oc JOIN connections c ON c.number = oc.connection_number";
/// The organization at the revision `?4`, and the connection `?3`.
const PAIR: &str = "FROM organizations o, connections c WHERE o.tenant_id = ?1 AND o.organization_id = ?2
  AND o.revision = ?4 AND c.tenant_id = ?1 AND c.connection_id = ?3";

pub(super) fn connection_put(
    writing: &Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    at: Revision,
    organization: &OrganizationId,
    connection: &OrganizationConnection,
) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let (organization, id) = (organization.as_str(), connection.connection_id.as_str());
    let (settings, taken) = (to_json(&connection.settings), Conflict::OrganizationConnection);
    match current {
        None => {
            let sql = format!(
                "INSERT INTO organization_connections (organization_number, connection_number, revision, settings)
                 SELECT o.number, c.number, ?5, ?6 {PAIR}"
            );
            put(writing, &sql, params![tenant.0, organization, id, at.0, revision, settings], taken)
        }
        Some(current) => {
            let sql = format!(
                "UPDATE organization_connections SET revision = ?5, settings = ?6
                 WHERE (organization_number, connection_number) = (SELECT o.number, c.number {PAIR}) AND revision = ?7"
            );
            put(writing, &sql, params![tenant.0, organization, id, at.0, revision, settings, current], taken)
        }
    }
}

pub(super) fn connection_remove(
    writing: &Writing<'_>,
    tenant: TenantId,
    current: Revision,
    at: Revision,
    organization: &OrganizationId,
    connection: &ConnectionId,
) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM organization_connections
         WHERE (organization_number, connection_number) = (SELECT o.number, c.number {PAIR}) AND revision = ?5"
    );
    remove(writing, &sql, params![tenant.0, organization.as_str(), connection.as_str(), at.0, current.0])
}

fn enabled_of(row: &Row<'_>) -> rusqlite::Result<Result<Numbered<Versioned<EnabledConnection>>, StoreError>> {
    let number = row.get(0)?;
    let revision = Revision(row.get(1)?);
    let (id, settings): (String, String) = (row.get(2)?, row.get(3)?);
    let (name, strategy) = (row.get(4)?, row.get(5)?);
    let read = json(&settings, Place { table: "organization_connections", column: "settings", row: &number });
    Ok(read.map(|settings| {
        let connection = OrganizationConnection { connection_id: ConnectionId::from_text(id), settings };
        Numbered { number, value: Versioned { revision, value: EnabledConnection { connection, name, strategy } } }
    }))
}

fn organization_connection_get(
    connection: &Connection,
    tenant: TenantId,
    organization: &OrganizationId,
    id: &ConnectionId,
) -> Result<Option<Versioned<EnabledConnection>>, StoreError> {
    let sql = format!("{COLUMNS} WHERE oc.organization_number = {NUMBER} AND c.connection_id = ?3");
    let found = query(connection, &sql, params![tenant.0, organization.as_str(), id.as_str()], enabled_of)?.pop();
    Ok(found.map(|numbered| numbered.value))
}

/// `?3` is what the view asks of `is_enabled`.
const OF_VIEW: &str = "(?3 IS NULL OR json_extract(oc.settings, '$.is_enabled') = ?3)";

fn is_enabled(view: ConnectionsView) -> Option<bool> {
    match view {
        ConnectionsView::Enabled => Some(true),
        ConnectionsView::Disabled => Some(false),
        ConnectionsView::All => None,
    }
}

fn organization_connection_slice(
    connection: &Connection,
    tenant: TenantId,
    organization: &OrganizationId,
    view: ConnectionsView,
    slice: Slice,
) -> Result<Vec<Numbered<EnabledConnection>>, StoreError> {
    let sql = format!(
        "{COLUMNS} WHERE oc.organization_number = {NUMBER} AND {OF_VIEW} AND oc.number > ?4
         ORDER BY oc.number LIMIT ?5 OFFSET ?6"
    );
    let (organization, is_enabled) = (organization.as_str(), is_enabled(view));
    let values = params![tenant.0, organization, is_enabled, slice.after, slice.limit, slice.offset];
    let found = query(connection, &sql, values, enabled_of)?;
    Ok(found.into_iter().map(|each| Numbered { number: each.number, value: each.value.value }).collect())
}

fn organization_connection_count(
    connection: &Connection,
    tenant: TenantId,
    organization: &OrganizationId,
    view: ConnectionsView,
) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM organization_connections oc WHERE oc.organization_number = {NUMBER} AND {OF_VIEW}"
    );
    count(connection, &sql, params![tenant.0, organization.as_str(), is_enabled(view)])
}
