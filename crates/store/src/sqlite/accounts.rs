//! Tenants, applications and grants.

use domain::account::{Client, ClientGrant, ClientSecret, SecretHash, Tenant};
use domain::change::{Expect, Revision, Versioned};
use domain::ids::{ClientId, GrantId, TenantId};
use domain::secret::Secret;
use rusqlite::{Connection, Row, params};

use super::change::{put, revisions};
use super::rows::{Place, count, json, query, run, to_json, unavailable};
use super::writer::Writing;
use crate::{Conflict, Keyring, Page, StoreError};

// ---- tenants -------------------------------------------------------------------------------------------

pub(super) fn tenant_ensure(writing: &Writing<'_>, name: String) -> Result<Tenant, StoreError> {
    run(writing.connection, "INSERT INTO tenants (name) VALUES (?1) ON CONFLICT DO NOTHING", &[&name])?;
    let id = writing
        .connection
        .query_row("SELECT id FROM tenants WHERE name = ?1", params![name], |row| row.get(0))
        .map_err(unavailable("read a tenant"))?;
    Ok(Tenant { id: TenantId(id), name })
}

// ---- applications --------------------------------------------------------------------------------------

const CLIENT_COLUMNS: &str = "SELECT revision, client_id, secret_hash, secret, settings FROM clients";

/// What a secret is sealed for. Two tenants may each have an application with the same id.
fn secret_context(tenant: TenantId, id: &str) -> String {
    format!("clients/{}/{id}", tenant.0)
}

fn client_of(
    keyring: &Keyring,
    tenant: TenantId,
    row: &Row<'_>,
) -> rusqlite::Result<Result<Versioned<Client>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let id: String = row.get(1)?;
    let hash = SecretHash::from_encoded(row.get::<_, String>(2)?);
    let sealed: Option<Vec<u8>> = row.get(3)?;
    let settings: String = row.get(4)?;
    let place = |column| Place { table: "clients", column, row: &id };
    let open =
        |sealed: Vec<u8>| keyring.open(&sealed, &secret_context(tenant, &id)).map_err(|_| place("secret").corrupt());
    let (kept, settings) = (sealed.map(open).transpose(), json(&settings, place("settings")));
    let id = ClientId::from_text(id.as_str());
    Ok(kept.and_then(|kept| {
        let value = Client { id, secret: ClientSecret { hash, kept }, settings: settings? };
        Ok(Versioned { revision, value })
    }))
}

pub(super) fn client_put(
    writing: &Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    client: &Client,
) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let (id, hash, settings) = (client.id.as_str(), client.secret.hash.as_str(), to_json(&client.settings));
    let seal = |secret: &Secret| writing.keyring.seal(secret, &secret_context(tenant, id), writing.entropy);
    let sealed = client.secret.kept.as_ref().map(seal);
    match current {
        None => put(
            writing,
            "INSERT INTO clients (tenant_id, client_id, revision, secret_hash, secret, settings)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![tenant.0, id, revision, hash, sealed, settings],
            Conflict::Client,
        ),
        Some(current) => put(
            writing,
            "UPDATE clients SET revision = ?3, secret_hash = ?4, secret = ?5, settings = ?6
             WHERE tenant_id = ?1 AND client_id = ?2 AND revision = ?7",
            params![tenant.0, id, revision, hash, sealed, settings, current],
            Conflict::Client,
        ),
    }
}

pub(super) fn client_get(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    id: &ClientId,
) -> Result<Option<Versioned<Client>>, StoreError> {
    let sql = format!("{CLIENT_COLUMNS} WHERE tenant_id = ?1 AND client_id = ?2");
    Ok(query(connection, &sql, params![tenant.0, id.as_str()], |row| client_of(keyring, tenant, row))?.pop())
}

pub(super) fn client_page(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    page: Page,
) -> Result<Vec<Client>, StoreError> {
    let sql = format!("{CLIENT_COLUMNS} WHERE tenant_id = ?1 ORDER BY number LIMIT ?2 OFFSET ?3");
    let values = params![tenant.0, page.limit, page.offset];
    let found = query(connection, &sql, values, |row| client_of(keyring, tenant, row))?;
    Ok(found.into_iter().map(|client| client.value).collect())
}

pub(super) fn client_count(connection: &Connection, tenant: TenantId) -> Result<u64, StoreError> {
    count(connection, "SELECT count(*) FROM clients WHERE tenant_id = ?1", params![tenant.0])
}

// ---- grants --------------------------------------------------------------------------------------------

const GRANT_COLUMNS: &str = "SELECT revision, grant_id, client_id, audience, scope FROM client_grants";
const GRANT_FILTER: &str = "WHERE tenant_id = ?1 AND (?2 IS NULL OR client_id = ?2) AND (?3 IS NULL OR audience = ?3)";

/// Which grants to list.
pub(super) struct GrantFilter {
    client: Option<String>,
    audience: Option<String>,
}

impl GrantFilter {
    pub(super) fn new(client: Option<&ClientId>, audience: Option<&str>) -> Self {
        Self { client: client.map(|client| client.as_str().to_owned()), audience: audience.map(str::to_owned) }
    }
}

fn grant_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<ClientGrant>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let id: String = row.get(1)?;
    let client_id = ClientId::from_text(row.get::<_, String>(2)?);
    let audience = row.get(3)?;
    let scope: String = row.get(4)?;
    Ok(json(&scope, Place { table: "client_grants", column: "scope", row: &id }).map(|scope| Versioned {
        revision,
        value: ClientGrant { id: GrantId::from_text(id), client_id, audience, scope },
    }))
}

pub(super) fn grant_put(
    writing: &Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    grant: &ClientGrant,
) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let (id, client, scope) = (grant.id.as_str(), grant.client_id.as_str(), to_json(&grant.scope));
    match current {
        None => put(
            writing,
            "INSERT INTO client_grants (tenant_id, grant_id, revision, client_id, audience, scope)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![tenant.0, id, revision, client, grant.audience, scope],
            Conflict::Grant,
        ),
        Some(current) => put(
            writing,
            "UPDATE client_grants SET revision = ?3, client_id = ?4, audience = ?5, scope = ?6
             WHERE tenant_id = ?1 AND grant_id = ?2 AND revision = ?7",
            params![tenant.0, id, revision, client, grant.audience, scope, current],
            Conflict::Grant,
        ),
    }
}

pub(super) fn grants_delete_of(writing: &Writing<'_>, tenant: TenantId, client: &ClientId) -> Result<(), StoreError> {
    let sql = "DELETE FROM client_grants WHERE tenant_id = ?1 AND client_id = ?2";
    run(writing.connection, sql, &[&tenant.0, &client.as_str()]).map(|_| ())
}

pub(super) fn grant_get(
    connection: &Connection,
    tenant: TenantId,
    id: &GrantId,
) -> Result<Option<Versioned<ClientGrant>>, StoreError> {
    let sql = format!("{GRANT_COLUMNS} WHERE tenant_id = ?1 AND grant_id = ?2");
    Ok(query(connection, &sql, params![tenant.0, id.as_str()], grant_of)?.pop())
}

pub(super) fn grant_page(
    connection: &Connection,
    tenant: TenantId,
    filter: &GrantFilter,
    page: Page,
) -> Result<Vec<ClientGrant>, StoreError> {
    let sql = format!("{GRANT_COLUMNS} {GRANT_FILTER} ORDER BY number LIMIT ?4 OFFSET ?5");
    let values = params![tenant.0, filter.client, filter.audience, page.limit, page.offset];
    Ok(query(connection, &sql, values, grant_of)?.into_iter().map(|grant| grant.value).collect())
}

pub(super) fn grant_count(connection: &Connection, tenant: TenantId, filter: &GrantFilter) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM client_grants {GRANT_FILTER}");
    count(connection, &sql, params![tenant.0, filter.client, filter.audience])
}
