//! The keys of tenants.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::clock::{Entropy, Timestamp};
use domain::ids::TenantId;
use domain::secret::Secret;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::rows::{Place, query, run, unavailable};
use super::writer::Writing;
use crate::tenant_keys::{DERIVED_KEY_BYTES, Retire, TenantKeys};
use crate::{Keyring, SigningKey, StoreError};

#[async_trait]
impl TenantKeys for SqliteStore {
    async fn signing_keys(&self, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        self.readers.read(move |connection| signing_keys(connection, &keyring, tenant)).await
    }

    async fn signing_key_add(&self, tenant: TenantId, key: SigningKey, retire: Retire) -> Result<(), StoreError> {
        self.writer.write(move |writing| signing_key_add(writing, tenant, &key, retire)).await
    }

    async fn token_lifetime_note(&self, tenant: TenantId, seconds: u64) -> Result<(), StoreError> {
        self.writer.write(move |writing| token_lifetime_note(writing, tenant, seconds)).await
    }

    async fn signing_keys_expire(&self, tenant: TenantId, now: Timestamp) -> Result<u32, StoreError> {
        let expire = move |writing: &mut Writing<'_>| {
            let sql = "DELETE FROM signing_keys WHERE tenant_id = ?1 AND retires_at <= ?2";
            run(writing.connection, sql, params![tenant.0, now.as_millis()])
        };
        self.writer.write(expire).await.map(|removed| u32::try_from(removed).unwrap_or(u32::MAX))
    }

    fn offset_key(&self, tenant: TenantId) -> [u8; DERIVED_KEY_BYTES] {
        self.offset_keys.get(tenant).unwrap_or_else(|| self.keyring.derive(&derivation(tenant)))
    }
}

/// Keys stay so much longer than their tokens, in milliseconds: some may just be being signed, and clocks differ.
const RETIRES_LATER: i64 = 5 * 60 * 1000;

// ---- signing keys --------------------------------------------------------------------------------------

fn context(key_id: &str) -> String {
    format!("signing_keys/{key_id}")
}

fn signing_keys(connection: &Connection, keyring: &Keyring, tenant: TenantId) -> Result<Vec<SigningKey>, StoreError> {
    let sql = "SELECT key_id, private_key, created_at, retires_at FROM signing_keys WHERE tenant_id = ?1
               ORDER BY rowid DESC";
    let read = |row: &Row<'_>| {
        let key_id: String = row.get(0)?;
        let sealed: Vec<u8> = row.get(1)?;
        let created_at = Timestamp::from_millis(row.get(2)?);
        let retires_at = row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis);
        let place = Place { table: "signing_keys", column: "private_key", row: &key_id };
        let opened = keyring.open(&sealed, &context(&key_id)).map_err(|_| place.corrupt());
        Ok(opened.map(|private_key| SigningKey { key_id: key_id.clone(), private_key, created_at, retires_at }))
    };
    query(connection, sql, params![tenant.0], read)
}

fn signing_key_add(
    writing: &Writing<'_>,
    tenant: TenantId,
    key: &SigningKey,
    retire: Retire,
) -> Result<(), StoreError> {
    let now = key.created_at.as_millis();
    let inherited = "SELECT coalesce(max(token_lifetime), 0) FROM signing_keys WHERE tenant_id = ?1";
    let lifetime: i64 = writing
        .connection
        .query_row(inherited, params![tenant.0], |row| row.get(0))
        .map_err(unavailable("read signing keys"))?;
    match retire {
        Retire::WhenExpired => {
            let sql = "UPDATE signing_keys SET retires_at = ?2 + 1000 * token_lifetime
                       WHERE tenant_id = ?1 AND retires_at IS NULL";
            run(writing.connection, sql, params![tenant.0, now + RETIRES_LATER])?;
        }
        Retire::AtOnce => {
            run(writing.connection, "DELETE FROM signing_keys WHERE tenant_id = ?1", params![tenant.0])?;
        }
    }
    let sealed = writing.keyring.seal(&key.private_key, &context(&key.key_id), writing.entropy);
    let sql = "INSERT INTO signing_keys (key_id, tenant_id, private_key, created_at, token_lifetime)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    run(writing.connection, sql, params![key.key_id, tenant.0, sealed, now, lifetime]).map(|_| ())
}

/// Notes for how long tokens may hold that are signed from now on.
pub(super) fn token_lifetime_note(writing: &Writing<'_>, tenant: TenantId, seconds: u64) -> Result<(), StoreError> {
    let sql = "UPDATE signing_keys SET token_lifetime = ?2
               WHERE tenant_id = ?1 AND retires_at IS NULL AND token_lifetime < ?2";
    run(writing.connection, sql, params![tenant.0, i64::try_from(seconds).unwrap_or(i64::MAX)]).map(|_| ())
}

// ---- offset keys ---------------------------------------------------------------------------------------

/// The keys that offsets are sealed with, of all tenants: they never change, so they are read once.
#[derive(Default)]
pub(super) struct OffsetKeys(RwLock<HashMap<TenantId, [u8; DERIVED_KEY_BYTES]>>);

impl OffsetKeys {
    fn get(&self, tenant: TenantId) -> Option<[u8; DERIVED_KEY_BYTES]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).copied()
    }

    pub(super) fn remember(&self, tenant: TenantId, key: [u8; DERIVED_KEY_BYTES]) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, key);
    }

    /// Reads the keys of all tenants, and makes those of tenants that have none yet: from the master key that the
    /// store was made with, which `check` is sealed with.
    pub(super) fn load(
        connection: &Connection,
        keyring: &Keyring,
        check: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Self, StoreError> {
        let sql = "SELECT id FROM tenants WHERE id NOT IN (SELECT tenant_id FROM offset_keys)";
        for tenant in query(connection, sql, [], |row| Ok(Ok(TenantId(row.get(0)?))))? {
            let place = Place { table: "master_key_check", column: "sealed", row: &1 };
            let key = keyring.derive_as(check, &derivation(tenant)).map_err(|_| place.corrupt())?;
            offset_key_put(connection, keyring, entropy, tenant, &key)?;
        }
        let keys = query(connection, "SELECT tenant_id, sealed FROM offset_keys", [], |row| {
            let tenant = TenantId(row.get(0)?);
            Ok(opened(keyring, tenant, &row.get::<_, Vec<u8>>(1)?).map(|key| (tenant, key)))
        })?;
        Ok(Self(RwLock::new(keys.into_iter().collect())))
    }
}

fn derivation(tenant: TenantId) -> String {
    format!("offsets/{}", tenant.0)
}

fn offset_context(tenant: TenantId) -> String {
    format!("offset_keys/{}", tenant.0)
}

fn opened(keyring: &Keyring, tenant: TenantId, sealed: &[u8]) -> Result<[u8; DERIVED_KEY_BYTES], StoreError> {
    let corrupt = || Place { table: "offset_keys", column: "sealed", row: &tenant.0 }.corrupt();
    let text = keyring.open(sealed, &offset_context(tenant)).map_err(|_| corrupt())?;
    let key = STANDARD.decode(text.expose()).map_err(|_| corrupt())?;
    key.try_into().map_err(|_| corrupt())
}

fn offset_key_put(
    connection: &Connection,
    keyring: &Keyring,
    entropy: &dyn Entropy,
    tenant: TenantId,
    key: &[u8; DERIVED_KEY_BYTES],
) -> Result<(), StoreError> {
    let sealed = keyring.seal(&Secret::new(STANDARD.encode(key)), &offset_context(tenant), entropy);
    run(connection, "INSERT INTO offset_keys VALUES (?1, ?2)", params![tenant.0, sealed]).map(|_| ())
}

/// The key of a tenant, made if it has none.
pub(super) fn offset_key_ensure(
    writing: &Writing<'_>,
    tenant: TenantId,
) -> Result<[u8; DERIVED_KEY_BYTES], StoreError> {
    let sql = "SELECT sealed FROM offset_keys WHERE tenant_id = ?1";
    let sealed: Option<Vec<u8>> = query(writing.connection, sql, params![tenant.0], |row| Ok(Ok(row.get(0)?)))?.pop();
    if let Some(sealed) = sealed {
        return opened(writing.keyring, tenant, &sealed);
    }
    let key = writing.keyring.derive(&derivation(tenant));
    offset_key_put(writing.connection, writing.keyring, writing.entropy, tenant, &key)?;
    Ok(key)
}
