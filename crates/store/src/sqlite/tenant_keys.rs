//! The keys of tenants.

use std::sync::Arc;

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ids::TenantId;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::rows::{Place, run, unavailable};
use super::writer::Writing;
use crate::tenant_keys::{DERIVED_KEY_BYTES, TenantKeys};
use crate::{Keyring, SigningKey, StoreError};

#[async_trait]
impl TenantKeys for SqliteStore {
    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        self.readers.read(move |connection| signing_keys(connection, &keyring, tenant)).await
    }

    async fn signing_key_add(&self, tenant: TenantId, key: SigningKey) -> Result<(), StoreError> {
        self.writer.write(move |writing| signing_key_add(writing, tenant, &key)).await
    }

    fn offset_key(&self, tenant: TenantId) -> [u8; DERIVED_KEY_BYTES] {
        self.keyring.derive(&format!("offsets/{}", tenant.0))
    }
}

fn context(key_id: &str) -> String {
    format!("signing_keys/{key_id}")
}

fn signing_keys(connection: &Connection, keyring: &Keyring, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError> {
    let sql = "SELECT key_id, private_key, created_at FROM signing_keys WHERE tenant_id = ?1 ORDER BY rowid DESC";
    let read = |row: &Row<'_>| {
        let key_id: String = row.get(0)?;
        let sealed: Vec<u8> = row.get(1)?;
        let created_at = Timestamp::from_millis(row.get(2)?);
        let place = Place { table: "signing_keys", column: "private_key", row: &key_id };
        let opened = keyring.open(&sealed, &context(&key_id)).map_err(|_| place.corrupt());
        Ok(opened.map(|private_key| SigningKey { key_id: key_id.clone(), private_key, created_at }))
    };
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(params![tenant.0], read)?.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(unavailable("read signing keys"))?
        .into_iter()
        .collect()
}

fn signing_key_add(writing: &Writing<'_>, tenant: TenantId, key: &SigningKey) -> Result<(), StoreError> {
    let sealed = writing.keyring.seal(&key.private_key, &context(&key.key_id), writing.entropy);
    let sql = "INSERT INTO signing_keys (key_id, tenant_id, private_key, created_at) VALUES (?1, ?2, ?3, ?4)";
    let values = params![key.key_id, tenant.0, sealed, key.created_at.as_millis()];
    run(writing.connection, sql, values).map(|_| ())
}
