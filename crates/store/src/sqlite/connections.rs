//! Connections: what they are, and their sealed options.

use std::sync::Arc;

use async_trait::async_trait;
use domain::change::{Expect, Revision, Versioned};
use domain::clock::Timestamp;
use domain::connection::{Connection, ConnectionOptions, ConnectionSettings, Strategy};
use domain::ids::{ConnectionId, TenantId};
use domain::secret::Secret;
use rusqlite::{Params, Row, params};

use super::SqliteStore;
use super::change::{put, revisions};
use super::rows::{Place, count, json, query, to_json};
use super::writer::Writing;
use crate::{Conflict, ConnectionFilter, ConnectionPlace, Connections, Keyring, Page, StoreError};

#[async_trait]
impl Connections for SqliteStore {
    async fn connection_get(
        &self,
        tenant: TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Versioned<Connection>>, StoreError> {
        let (id, keyring) = (id.clone(), Arc::clone(&self.keyring));
        let sql = format!("{COLUMNS} WHERE tenant_id = ?1 AND connection_id = ?2");
        let read = move |reader: &rusqlite::Connection| {
            Ok(select(reader, &keyring, &sql, params![tenant.0, id.as_str()])?.pop())
        };
        self.readers.read(read).await
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
        let (name, keyring) = (name.to_owned(), Arc::clone(&self.keyring));
        let sql = format!("{COLUMNS} WHERE tenant_id = ?1 AND name = ?2");
        let read =
            move |reader: &rusqlite::Connection| Ok(select(reader, &keyring, &sql, params![tenant.0, name])?.pop());
        let found = self.readers.read(read).await?;
        if let Some(found) = &found {
            self.accounts.remember_connection(era, key, found);
        }
        Ok(found)
    }

    async fn connection_page(
        &self,
        tenant: TenantId,
        filter: ConnectionFilter,
        page: Page,
    ) -> Result<Vec<Connection>, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        let sql = format!("{COLUMNS} {FILTER} {ORDER} LIMIT ?4 OFFSET ?5");
        let read = move |reader: &rusqlite::Connection| {
            if let Some(alias) = &filter.domain_alias {
                let found = aliased(reader, &keyring, tenant, &filter, alias)?.into_iter();
                return Ok(found.skip(page.offset as usize).take(page.limit as usize).collect());
            }
            let values = params![tenant.0, strategies(&filter), filter.name, page.limit, page.offset];
            Ok(values_of(select(reader, &keyring, &sql, values)?))
        };
        self.readers.read(read).await
    }

    async fn connections_after(
        &self,
        tenant: TenantId,
        filter: ConnectionFilter,
        after: Option<ConnectionPlace>,
        take: u32,
    ) -> Result<Vec<Connection>, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        let sql = format!("{COLUMNS} {FILTER} AND (created_at, connection_id) > (?4, ?5) {ORDER} LIMIT ?6");
        let read = move |reader: &rusqlite::Connection| {
            let (at, id) = after.map_or((i64::MIN, String::new()), |after| {
                (after.created_at.as_millis(), after.id.as_str().to_owned())
            });
            if let Some(alias) = &filter.domain_alias {
                let found = aliased(reader, &keyring, tenant, &filter, alias)?.into_iter();
                let is_after = |each: &Connection| (each.created_at.as_millis(), each.id.as_str()) > (at, &*id);
                return Ok(found.filter(is_after).take(take as usize).collect());
            }
            let values = params![tenant.0, strategies(&filter), filter.name, at, id, take];
            Ok(values_of(select(reader, &keyring, &sql, values)?))
        };
        self.readers.read(read).await
    }

    async fn connection_count(&self, tenant: TenantId, filter: ConnectionFilter) -> Result<u64, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        let read = move |reader: &rusqlite::Connection| {
            if let Some(alias) = &filter.domain_alias {
                return Ok(aliased(reader, &keyring, tenant, &filter, alias)?.len() as u64);
            }
            let sql = format!("SELECT count(*) FROM connections {FILTER}");
            count(reader, &sql, params![tenant.0, strategies(&filter), filter.name])
        };
        self.readers.read(read).await
    }
}

const COLUMNS: &str = "SELECT revision, connection_id, name, strategy, enabled_clients, settings, options, created_at
  FROM connections";
const FILTER: &str = "WHERE tenant_id = ?1
  AND (?2 IS NULL OR strategy IN (SELECT value FROM json_each(?2))) AND (?3 IS NULL OR name = ?3)";
const ORDER: &str = "ORDER BY created_at, connection_id";

fn strategies(filter: &ConnectionFilter) -> Option<String> {
    filter.strategies.as_ref().map(to_json)
}

fn options_context(id: &str) -> String {
    format!("connections/{id}")
}

pub(super) fn connection_put(
    writing: &Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    connection: &Connection,
) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let (id, clients) = (connection.id.as_str(), to_json(&connection.enabled_clients));
    let settings = to_json(&connection.settings);
    let options = (!connection.options.is_empty()).then(|| {
        let options = Secret::new(to_json(connection.options.expose()));
        writing.keyring.seal(&options, &options_context(id), writing.entropy)
    });
    match current {
        None => put(
            writing,
            // A number is never lower than those that a snapshot has still to come to (`snapshots/kinds.rs`).
            "INSERT INTO connections
             (tenant_id, connection_id, revision, name, strategy, enabled_clients, settings, options, created_at, number)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1 + max((SELECT coalesce(max(number), 0) FROM connections),
                     (SELECT coalesce(max(last), 0) FROM snapshot_kinds WHERE kind = 10)))",
            params![
                tenant.0,
                id,
                revision,
                connection.name,
                connection.strategy.name(),
                clients,
                settings,
                options,
                connection.created_at.as_millis()
            ],
            Conflict::ConnectionName,
        ),
        Some(current) => put(
            writing,
            "UPDATE connections SET revision = ?3, enabled_clients = ?4, settings = ?5, options = ?6
             WHERE tenant_id = ?1 AND connection_id = ?2 AND revision = ?7",
            params![tenant.0, id, revision, clients, settings, options, current],
            Conflict::ConnectionName,
        ),
    }
}

pub(super) fn connection_of(
    row: &Row<'_>,
    keyring: &Keyring,
) -> rusqlite::Result<Result<Versioned<Connection>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let id: String = row.get(1)?;
    let (name, strategy): (String, String) = (row.get(2)?, row.get(3)?);
    let clients: String = row.get(4)?;
    let settings: Option<String> = row.get(5)?;
    let options: Option<Vec<u8>> = row.get(6)?;
    let created_at = Timestamp::from_millis(row.get(7)?);
    let place = |column| Place { table: "connections", column, row: &id };
    let read = || {
        let strategy = Strategy::from_name(&strategy).ok_or_else(|| place("strategy").corrupt())?;
        let settings = settings.map(|settings| json::<ConnectionSettings>(&settings, place("settings"))).transpose()?;
        let value = Connection {
            id: ConnectionId::from_text(id.clone()),
            settings: settings.unwrap_or_else(|| ConnectionSettings::of(&name)),
            name,
            strategy,
            enabled_clients: json(&clients, place("enabled_clients"))?,
            options: options.map_or_else(
                || Ok(ConnectionOptions::default()),
                |sealed| {
                    let opened =
                        keyring.open(&sealed, &options_context(&id)).map_err(|_| place("options").corrupt())?;
                    json(opened.expose(), place("options")).map(ConnectionOptions::new)
                },
            )?,
            created_at,
        };
        Ok(Versioned { revision, value })
    };
    Ok(read())
}

fn select(
    reader: &rusqlite::Connection,
    keyring: &Keyring,
    sql: &str,
    values: impl Params,
) -> Result<Vec<Versioned<Connection>>, StoreError> {
    query(reader, sql, values, |row| connection_of(row, keyring))
}

/// The connections with a domain alias, in order. Options are sealed, so each that is meant otherwise is opened; a tenant
/// has no more connections than organizations that it works with.
fn aliased(
    reader: &rusqlite::Connection,
    keyring: &Keyring,
    tenant: TenantId,
    filter: &ConnectionFilter,
    alias: &str,
) -> Result<Vec<Connection>, StoreError> {
    let sql = format!("{COLUMNS} {FILTER} {ORDER}");
    let mut found = values_of(select(reader, keyring, &sql, params![tenant.0, strategies(filter), filter.name])?);
    found.retain(|connection| connection.has_domain_alias(alias));
    Ok(found)
}

fn values_of(found: Vec<Versioned<Connection>>) -> Vec<Connection> {
    found.into_iter().map(|connection| connection.value).collect()
}
