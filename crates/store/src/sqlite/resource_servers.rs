//! APIs.

use async_trait::async_trait;
use domain::change::{ResourceServerWrite, Revision, Versioned};
use domain::ids::TenantId;
use domain::resource_server::ResourceServer;
use domain::secret::Secret;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::change::{delete, put, revisions};
use super::rows::{Place, count, json, query, run, to_json};
use super::tenant_keys::token_lifetime_note;
use super::writer::Writing;
use crate::{Conflict, Keyring, Page, ResourceServers, StoreError};

#[async_trait]
impl ResourceServers for SqliteStore {
    async fn resource_server_get(
        &self,
        tenant: TenantId,
        id_or_identifier: &str,
    ) -> Result<Option<Versioned<ResourceServer>>, StoreError> {
        let (keyring, wanted) = (self.keyring.clone(), id_or_identifier.to_owned());
        self.readers.read(move |database| resource_server_get(database, &keyring, tenant, &wanted)).await
    }

    async fn resource_server_page(
        &self,
        tenant: TenantId,
        except: &str,
        page: Page,
    ) -> Result<Vec<ResourceServer>, StoreError> {
        let except = except.to_owned();
        let sql = "SELECT revision, resource_server_id, document FROM resource_servers
                   WHERE tenant_id = ?1 AND identifier <> ?2 ORDER BY number LIMIT ?3 OFFSET ?4";
        let read = move |database: &Connection| {
            let values = params![tenant.0, except, page.limit, page.offset];
            let found = query(database, sql, values, resource_server_of)?;
            Ok(found.into_iter().map(|stored| stored.value).collect())
        };
        self.readers.read(read).await
    }

    async fn resource_server_count(&self, tenant: TenantId, except: &str) -> Result<u64, StoreError> {
        let except = except.to_owned();
        let sql = "SELECT count(*) FROM resource_servers WHERE tenant_id = ?1 AND identifier <> ?2";
        self.readers.read(move |database| count(database, sql, params![tenant.0, except])).await
    }
}

fn resource_server_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<ResourceServer>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let (id, document): (String, String) = (row.get(1)?, row.get(2)?);
    let read = json(&document, Place { table: "resource_servers", column: "document", row: &id });
    Ok(read.map(|value| Versioned { revision, value }))
}

fn secret_context(id: &str) -> String {
    format!("resource_servers/{id}")
}

fn resource_server_get(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    wanted: &str,
) -> Result<Option<Versioned<ResourceServer>>, StoreError> {
    // An id first, should somebody have chosen it as an identifier.
    let sql = "SELECT revision, resource_server_id, document, signing_secret FROM resource_servers
               WHERE tenant_id = ?1 AND (resource_server_id = ?2 OR identifier = ?2)
               ORDER BY resource_server_id = ?2 DESC LIMIT 1";
    let read = |row: &Row<'_>| {
        let sealed: Option<Vec<u8>> = row.get(3)?;
        let id: String = row.get(1)?;
        let place = Place { table: "resource_servers", column: "signing_secret", row: &id };
        let opened: Result<Option<Secret>, StoreError> =
            sealed.map(|sealed| keyring.open(&sealed, &secret_context(&id)).map_err(|_| place.corrupt())).transpose();
        Ok(resource_server_of(row)?.and_then(|mut stored| {
            stored.value.signing_secret = opened?;
            Ok(stored)
        }))
    };
    Ok(query(connection, sql, params![tenant.0, wanted], read)?.pop())
}

pub(super) fn resource_server_write(
    writing: &Writing<'_>,
    tenant: TenantId,
    write: &ResourceServerWrite,
) -> Result<(), StoreError> {
    let (expect, server) = match write {
        ResourceServerWrite::Put(expect, server) => (*expect, server),
        ResourceServerWrite::Delete(revision, id) => {
            let sql = "DELETE FROM client_grants WHERE tenant_id = ?1 AND audience =
                       (SELECT identifier FROM resource_servers WHERE tenant_id = ?1 AND resource_server_id = ?2)";
            run(writing.connection, sql, params![tenant.0, id.as_str()])?;
            return delete(writing, "resource_servers", "resource_server_id", tenant, id.as_str(), *revision);
        }
    };
    token_lifetime_note(writing, tenant, server.token_lifetime)?;
    let (revision, current) = revisions(expect);
    let (id, document, taken) = (server.id.as_str(), to_json(server), Conflict::ResourceServer);
    let seal = |secret: &Secret| writing.keyring.seal(secret, &secret_context(id), writing.entropy);
    let sealed = server.signing_secret.as_ref().map(seal);
    match current {
        None => put(
            writing,
            "INSERT INTO resource_servers (tenant_id, resource_server_id, revision, identifier, document, signing_secret)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![tenant.0, id, revision, server.identifier, document, sealed],
            taken,
        ),
        Some(current) => put(
            writing,
            "UPDATE resource_servers SET revision = ?3, document = ?4, signing_secret = ?5
             WHERE tenant_id = ?1 AND resource_server_id = ?2 AND revision = ?6",
            params![tenant.0, id, revision, document, sealed, current],
            taken,
        ),
    }
}
