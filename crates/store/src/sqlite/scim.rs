//! SCIM: configurations, the hashes of tokens, users as their provider has them.

use async_trait::async_trait;
use domain::change::{Expect, Revision, ScimWrite, Versioned};
use domain::clock::Timestamp;
use domain::ids::{ConnectionId, TenantId, UserId};
use domain::scim::{ScimConfiguration, ScimPath, ScimToken, ScimTokenHash, ScimTokenId, ScimUser, ScimUserId};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::change::{add, delete, put, remove, revisions};
use super::rows::{Place, count, json, query, run, to_json};
use super::writer::Writing;
use crate::{Conflict, Page, Scim, ScimIdentity, ScimUserFilter, StoreError};

#[async_trait]
impl Scim for SqliteStore {
    async fn scim_configuration_get(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
    ) -> Result<Option<Versioned<ScimConfiguration>>, StoreError> {
        let id = connection.as_str().to_owned();
        let sql = "SELECT revision, connection_id, user_id_attribute, mapping, created_at, updated_at
                   FROM scim_configurations WHERE tenant_id = ?1 AND connection_id = ?2";
        let read = move |reader: &Connection| Ok(query(reader, sql, params![tenant.0, id], configuration_of)?.pop());
        self.readers.read(read).await
    }

    async fn scim_tokens(&self, tenant: TenantId, connection: &ConnectionId) -> Result<Vec<ScimToken>, StoreError> {
        let id = connection.as_str().to_owned();
        let sql = format!("{TOKEN_COLUMNS} WHERE tenant_id = ?1 AND connection_id = ?2 ORDER BY created_at, token_id");
        self.readers.read(move |reader| query(reader, &sql, params![tenant.0, id], token_of)).await
    }

    async fn scim_token_by_hash(&self, tenant: TenantId, hash: ScimTokenHash) -> Result<Option<ScimToken>, StoreError> {
        let sql = format!("{TOKEN_COLUMNS} WHERE tenant_id = ?1 AND hash = ?2");
        let read = move |reader: &Connection| Ok(query(reader, &sql, params![tenant.0, hash.0], token_of)?.pop());
        self.readers.read(read).await
    }

    async fn scim_token_used(&self, tenant: TenantId, id: &ScimTokenId, now: Timestamp) -> Result<(), StoreError> {
        let id = id.as_str().to_owned();
        let sql = "UPDATE scim_tokens SET last_used_at = ?3 WHERE tenant_id = ?1 AND token_id = ?2";
        let write = move |writing: &mut Writing<'_>| {
            run(writing.connection, sql, params![tenant.0, id, now.as_millis()]).map(|_| ())
        };
        self.writer.write(write).await
    }

    async fn scim_user_get(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        id: &ScimUserId,
    ) -> Result<Option<Versioned<ScimUser>>, StoreError> {
        let filter = ScimUserFilter { id: Some(id.clone()), ..ScimUserFilter::default() };
        let only = Page { offset: 0, limit: 1 };
        Ok(self.scim_user_page(tenant, connection, filter, only).await?.pop())
    }

    async fn scim_user_page(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        filter: ScimUserFilter,
        page: Page,
    ) -> Result<Vec<Versioned<ScimUser>>, StoreError> {
        let (connection, filter) = (connection.as_str().to_owned(), UserFilter::from(filter));
        let sql = format!("{USER_COLUMNS} {} ORDER BY scim_id LIMIT ?7 OFFSET ?8", filter.sql());
        let read = move |reader: &Connection| {
            let UserFilter { id, user_name, external_id, email } = &filter;
            let values = params![tenant.0, connection, id, user_name, external_id, email, page.limit, page.offset];
            query(reader, &sql, values, user_of)
        };
        self.readers.read(read).await
    }

    async fn scim_user_count(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        filter: ScimUserFilter,
    ) -> Result<u64, StoreError> {
        let (connection, filter) = (connection.as_str().to_owned(), UserFilter::from(filter));
        let sql = format!("SELECT count(*) FROM scim_users {}", filter.sql());
        let read = move |reader: &Connection| {
            let UserFilter { id, user_name, external_id, email } = &filter;
            count(reader, &sql, params![tenant.0, connection, id, user_name, external_id, email])
        };
        self.readers.read(read).await
    }

    async fn scim_identities(
        &self,
        tenant: TenantId,
        connection: &ConnectionId,
        ids: Vec<ScimUserId>,
    ) -> Result<Vec<ScimIdentity>, StoreError> {
        let connection = connection.as_str().to_owned();
        let ids = to_json(&ids.iter().map(ScimUserId::as_str).collect::<Vec<_>>());
        let sql = "SELECT scim_id, user_id, user_name FROM scim_users JOIN users ON number = user_number
                   WHERE scim_users.tenant_id = ?1 AND connection_id = ?2
                   AND scim_id IN (SELECT value FROM json_each(?3))";
        let read = move |reader: &Connection| query(reader, sql, params![tenant.0, connection, ids], identity_of);
        self.readers.read(read).await
    }
}

fn configuration_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<ScimConfiguration>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let id: String = row.get(1)?;
    let (attribute, mapping): (String, String) = (row.get(2)?, row.get(3)?);
    let created_at = Timestamp::from_millis(row.get(4)?);
    let updated_at = Timestamp::from_millis(row.get(5)?);
    let place = |column| Place { table: "scim_configurations", column, row: &id };
    let read = || {
        let user_id_attribute = ScimPath::parse(&attribute).map_err(|_| place("user_id_attribute").corrupt())?;
        let mapping = json(&mapping, place("mapping"))?;
        let connection_id = ConnectionId::from_text(id.clone());
        let value = ScimConfiguration { connection_id, user_id_attribute, mapping, created_at, updated_at };
        Ok(Versioned { revision, value })
    };
    Ok(read())
}

pub(super) fn write(writing: &Writing<'_>, tenant: TenantId, write: ScimWrite) -> Result<(), StoreError> {
    match write {
        ScimWrite::ConfigurationPut(expect, configuration) => {
            configuration_put(writing, tenant, expect, &configuration)
        }
        ScimWrite::ConfigurationDelete(revision, id) => {
            delete(writing, "scim_configurations", "connection_id", tenant, id.as_str(), revision)
        }
        ScimWrite::TokenAdd(token) => token_add(writing, tenant, &token),
        ScimWrite::TokenDelete(connection, id) => token_delete(writing, tenant, &connection, &id),
        ScimWrite::UserPut(expect, user) => user_put(writing, tenant, expect, &user),
    }
}

fn configuration_put(
    writing: &Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    configuration: &ScimConfiguration,
) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let id = configuration.connection_id.as_str();
    let attribute = configuration.user_id_attribute.as_str();
    let (mapping, updated_at) = (to_json(&configuration.mapping), configuration.updated_at.as_millis());
    match current {
        None => put(
            writing,
            "INSERT INTO scim_configurations
             (connection_id, tenant_id, revision, user_id_attribute, mapping, created_at, updated_at)
             SELECT connection_id, ?2, ?3, ?4, ?5, ?6, ?7 FROM connections WHERE tenant_id = ?2 AND connection_id = ?1",
            params![id, tenant.0, revision, attribute, mapping, configuration.created_at.as_millis(), updated_at],
            Conflict::ScimConfiguration,
        ),
        Some(current) => put(
            writing,
            "UPDATE scim_configurations SET revision = ?3, user_id_attribute = ?4, mapping = ?5, updated_at = ?6
             WHERE connection_id = ?1 AND tenant_id = ?2 AND revision = ?7",
            params![id, tenant.0, revision, attribute, mapping, updated_at, current],
            Conflict::ScimConfiguration,
        ),
    }
}

const TOKEN_COLUMNS: &str = "SELECT token_id, connection_id, hash, scopes, created_at, valid_until, last_used_at
  FROM scim_tokens";

fn token_of(row: &Row<'_>) -> rusqlite::Result<Result<ScimToken, StoreError>> {
    let id: String = row.get(0)?;
    let connection_id = ConnectionId::from_text(row.get::<_, String>(1)?);
    let hash = ScimTokenHash(row.get(2)?);
    let scopes: String = row.get(3)?;
    let created_at = Timestamp::from_millis(row.get(4)?);
    let valid_until = row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis);
    let last_used_at = row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis);
    let place = Place { table: "scim_tokens", column: "scopes", row: &id };
    Ok(json(&scopes, place).map(|scopes| ScimToken {
        id: ScimTokenId::from_text(id.clone()),
        connection_id,
        hash,
        scopes,
        created_at,
        valid_until,
        last_used_at,
    }))
}

fn token_add(writing: &Writing<'_>, tenant: TenantId, token: &ScimToken) -> Result<(), StoreError> {
    let sql = "INSERT INTO scim_tokens
               (token_id, tenant_id, connection_id, hash, scopes, created_at, valid_until, last_used_at)
               SELECT ?1, ?2, connection_id, ?4, ?5, ?6, ?7, ?8 FROM scim_configurations
               WHERE tenant_id = ?2 AND connection_id = ?3";
    let values = params![
        token.id.as_str(),
        tenant.0,
        token.connection_id.as_str(),
        token.hash.0,
        to_json(&token.scopes),
        token.created_at.as_millis(),
        token.valid_until.map(Timestamp::as_millis),
        token.last_used_at.map(Timestamp::as_millis)
    ];
    add(writing, sql, values)
}

fn token_delete(
    writing: &Writing<'_>,
    tenant: TenantId,
    connection: &ConnectionId,
    id: &ScimTokenId,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM scim_tokens WHERE tenant_id = ?1 AND connection_id = ?2 AND token_id = ?3";
    remove(writing, sql, params![tenant.0, connection.as_str(), id.as_str()])
}

const USER_COLUMNS: &str = "SELECT scim_users.revision, scim_id, connection_id, user_id, scim_users.document,
  scim_users.created_at, scim_users.updated_at FROM scim_users JOIN users ON number = user_number";

/// A filter as the columns have it.
struct UserFilter {
    id: Option<String>,
    user_name: Option<String>,
    external_id: Option<String>,
    email: Option<String>,
}

impl From<ScimUserFilter> for UserFilter {
    fn from(filter: ScimUserFilter) -> Self {
        Self {
            id: filter.id.map(|id| id.as_str().to_owned()),
            user_name: filter.user_name.map(|name| name.to_lowercase()),
            external_id: filter.external_id,
            email: filter.email.map(|email| email.to_lowercase()),
        }
    }
}

impl UserFilter {
    /// The condition. What is asked for is in it only if it is, so that its index is used.
    fn sql(&self) -> String {
        let mut sql = "WHERE scim_users.tenant_id = ?1 AND connection_id = ?2".to_owned();
        let asked = [
            (&self.id, " AND scim_id = ?3"),
            (&self.user_name, " AND user_name = ?4"),
            (&self.external_id, " AND external_id = ?5"),
            (&self.email, " AND scim_users.email = ?6"),
        ];
        asked.into_iter().filter(|(value, _)| value.is_some()).for_each(|(_, condition)| sql.push_str(condition));
        // Every value that is given must be named.
        sql.push_str(" AND coalesce(?3, ?4, ?5, ?6, '') IS NOT NULL");
        sql
    }
}

fn user_of(row: &Row<'_>) -> rusqlite::Result<Result<Versioned<ScimUser>, StoreError>> {
    let revision = Revision(row.get(0)?);
    let id: String = row.get(1)?;
    let connection_id = ConnectionId::from_text(row.get::<_, String>(2)?);
    let user_id = UserId::from_text(row.get::<_, String>(3)?);
    let document: String = row.get(4)?;
    let created_at = Timestamp::from_millis(row.get(5)?);
    let updated_at = Timestamp::from_millis(row.get(6)?);
    let place = Place { table: "scim_users", column: "document", row: &id };
    Ok(json(&document, place).map(|document| {
        let id = ScimUserId::from_text(id.clone());
        Versioned { revision, value: ScimUser { id, connection_id, user_id, document, created_at, updated_at } }
    }))
}

pub(super) fn identity_of(row: &Row<'_>) -> rusqlite::Result<Result<ScimIdentity, StoreError>> {
    let id = ScimUserId::from_text(row.get::<_, String>(0)?);
    let user_id = UserId::from_text(row.get::<_, String>(1)?);
    Ok(Ok(ScimIdentity { id, user_id, user_name: row.get(2)? }))
}

fn user_put(writing: &Writing<'_>, tenant: TenantId, expect: Expect, user: &ScimUser) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let (id, connection) = (user.id.as_str(), user.connection_id.as_str());
    let (name, external_id, email) = (user.user_name(), user.external_id(), user.email());
    let (document, updated_at) = (to_json(&user.document), user.updated_at.as_millis());
    match current {
        None => put(
            writing,
            "INSERT INTO scim_users
             (scim_id, tenant_id, connection_id, user_number, revision, user_name, external_id, email, document,
              created_at, updated_at)
             SELECT ?1, ?2, ?3, number, ?5, ?6, ?7, ?8, ?9, ?10, ?11 FROM users WHERE tenant_id = ?2 AND user_id = ?4",
            params![
                id,
                tenant.0,
                connection,
                user.user_id.as_str(),
                revision,
                name,
                external_id,
                email,
                document,
                user.created_at.as_millis(),
                updated_at
            ],
            Conflict::ScimUser,
        ),
        Some(current) => put(
            writing,
            "UPDATE scim_users
             SET revision = ?4, user_name = ?5, external_id = ?6, email = ?7, document = ?8, updated_at = ?9
             WHERE scim_id = ?1 AND tenant_id = ?2 AND connection_id = ?3 AND revision = ?10",
            params![id, tenant.0, connection, revision, name, external_id, email, document, updated_at, current],
            Conflict::ScimUser,
        ),
    }
}
