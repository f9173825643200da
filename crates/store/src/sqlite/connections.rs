//! Connections.

use async_trait::async_trait;
use domain::change::{Expect, Revision, Versioned};
use domain::connection::Connection;
use domain::ids::{ConnectionId, TenantId};
use rusqlite::{Row, ToSql, params};

use super::SqliteStore;
use super::change::{put, revisions};
use super::rows::{Place, json, query, to_json};
use super::writer::Writing;
use crate::{Conflict, Connections, StoreError};

#[async_trait]
impl Connections for SqliteStore {
    async fn connection_get(
        &self,
        tenant: TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Versioned<Connection>>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| find(connection, "connection_id", tenant, id.as_str())).await
    }

    async fn connection_by_name(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<Versioned<Connection>>, StoreError> {
        let key = (tenant, name.to_owned());
        let era = match self.accounts.connection(&key) {
            Ok(known) => return Ok(Some(known)),
            Err(era) => era,
        };
        let name = name.to_owned();
        let found = self.readers.read(move |connection| find(connection, "name", tenant, &name)).await?;
        if let Some(found) = &found {
            self.accounts.remember_connection(era, key, found);
        }
        Ok(found)
    }
}

pub(super) fn connection_put(
    writing: &Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    connection: &Connection,
) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let (id, clients) = (connection.id.as_str(), to_json(&connection.enabled_clients));
    match current {
        None => put(
            writing,
            "INSERT INTO connections (tenant_id, connection_id, revision, name, strategy, enabled_clients)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![tenant.0, id, revision, connection.name, connection.strategy, clients],
            Conflict::ConnectionName,
        ),
        Some(current) => put(
            writing,
            "UPDATE connections SET revision = ?3, enabled_clients = ?4
             WHERE tenant_id = ?1 AND connection_id = ?2 AND revision = ?5",
            params![tenant.0, id, revision, clients, current],
            Conflict::ConnectionName,
        ),
    }
}

const COLUMNS: &str = "SELECT revision, connection_id, name, strategy, enabled_clients FROM connections";

fn connection_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<Connection>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let id: String = row.get(1)?;
    let (name, strategy) = (row.get(2)?, row.get(3)?);
    let clients: String = row.get(4)?;
    let place = Place { table: "connections", column: "enabled_clients", row: &id };
    Ok(json(&clients, place).map(|enabled_clients| Versioned {
        revision,
        value: Connection { id: ConnectionId::from_text(id.clone()), name, strategy, enabled_clients },
    }))
}

fn find(
    connection: &rusqlite::Connection,
    column: &str,
    tenant: TenantId,
    value: &str,
) -> Result<Option<Versioned<Connection>>, StoreError> {
    let sql = format!("{COLUMNS} WHERE tenant_id = ?1 AND {column} = ?2");
    let values: &[&dyn ToSql] = &[&tenant.0, &value];
    Ok(query(connection, &sql, values, connection_of)?.pop())
}
