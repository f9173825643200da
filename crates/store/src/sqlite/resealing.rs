//! Sealing everything anew after the master key was changed. Every column with sealed texts is listed here.

use async_trait::async_trait;
use domain::secret::Secret;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::rows::{Place, count, run, unavailable};
use super::writer::Writing;
use crate::{Keyring, ResealPlace, ResealStep, Resealing, SealedTexts, StoreError};

/// A column with sealed texts, what names its rows, and what such a text is sealed for, with `{id}` for the name.
struct SealedColumn {
    table: &'static str,
    column: &'static str,
    id: &'static str,
    context: &'static str,
}

const fn sealed(table: &'static str, column: &'static str, id: &'static str, context: &'static str) -> SealedColumn {
    SealedColumn { table, column, id, context }
}

/// All of them. The last one tells at the start whether a key is the right one: as long as it is sealed with a former
/// key, that key may not be left out.
const SEALED: &[SealedColumn] = &[
    sealed("streams", "secret", "stream_id", "streams/{id}"),
    sealed("streams", "options_secret", "stream_id", "streams/{id}/options"),
    sealed("clients", "secret", "tenant_id || '/' || client_id", "clients/{id}"),
    sealed("connections", "options", "connection_id", "connections/{id}"),
    sealed("resource_servers", "signing_secret", "resource_server_id", "resource_servers/{id}"),
    sealed("actions", "secrets", "action_id", "actions/{id}"),
    sealed("action_versions", "secrets", "version_id", "action_versions/{id}"),
    sealed("signing_keys", "private_key", "key_id", "signing_keys/{id}"),
    sealed("offset_keys", "sealed", "tenant_id", "offset_keys/{id}"),
    sealed("master_key_check", "sealed", "only_row", "master_key_check"),
];

#[async_trait]
impl Resealing for SqliteStore {
    async fn reseal_step(&self, from: ResealPlace, most: u32) -> Result<ResealStep, StoreError> {
        self.writer.write(move |writing| reseal_step(writing, from, most)).await
    }

    async fn sealed_texts(&self) -> Result<SealedTexts, StoreError> {
        let prefix = self.keyring.sealed_prefix();
        self.readers.read(move |connection| sealed_texts(connection, &prefix)).await
    }
}

/// A row with a sealed text.
struct Sealed {
    row: i64,
    context: String,
    id: String,
    text: Vec<u8>,
}

fn reseal_step(writing: &mut Writing<'_>, from: ResealPlace, most: u32) -> Result<ResealStep, StoreError> {
    let mut step = ResealStep { resealed: 0, next: Some(from) };
    let mut left = most.max(1);
    while let Some(place) = step.next.filter(|_| left > 0) {
        let Some(column) = SEALED.get(place.column) else {
            step.next = None;
            break;
        };
        let found = sealed_rows(writing.connection, column, place.row, left)?;
        for sealed in &found {
            step.resealed += u64::from(reseal(writing, column, sealed)?);
        }
        let looked_at = u32::try_from(found.len()).unwrap_or(u32::MAX);
        step.next = Some(match found.last() {
            Some(last) if looked_at == left => ResealPlace { row: last.row, ..place },
            _ => ResealPlace { column: place.column + 1, row: 0 },
        });
        left -= looked_at;
    }
    Ok(step)
}

fn sealed_rows(
    connection: &Connection,
    SealedColumn { table, column, id, context }: &SealedColumn,
    after: i64,
    take: u32,
) -> Result<Vec<Sealed>, StoreError> {
    let sql = format!(
        "SELECT rowid, {id}, {column} FROM {table} WHERE rowid > ?1 AND {column} IS NOT NULL ORDER BY rowid LIMIT ?2"
    );
    let read = |row: &Row<'_>| {
        let id = match row.get_ref(1)? {
            ValueRef::Integer(number) => number.to_string(),
            _ => row.get(1)?,
        };
        Ok(Sealed { row: row.get(0)?, context: context.replace("{id}", &id), id, text: row.get(2)? })
    };
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_map(params![after, take], read)?.collect())
        .map_err(unavailable("read what is sealed"))
}

/// Seals a text anew, unless it was sealed with the newest key.
fn reseal(writing: &Writing<'_>, column: &SealedColumn, sealed: &Sealed) -> Result<bool, StoreError> {
    let keyring: &Keyring = writing.keyring;
    if keyring.is_renewed(&sealed.text) {
        return Ok(false);
    }
    let place = Place { table: column.table, column: column.column, row: &sealed.id };
    let secret: Secret = keyring.open(&sealed.text, &sealed.context).map_err(|_| place.corrupt())?;
    let text = keyring.seal(&secret, &sealed.context, writing.entropy);
    let sql = format!("UPDATE {} SET {} = ?2 WHERE rowid = ?1", column.table, column.column);
    run(writing.connection, &sql, params![sealed.row, text])?;
    Ok(true)
}

fn sealed_texts(connection: &Connection, prefix: &[u8]) -> Result<SealedTexts, StoreError> {
    let mut sum = SealedTexts::default();
    for SealedColumn { table, column, .. } in SEALED {
        let sealed = format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL");
        sum.total += count(connection, &sealed, [])?;
        let former = format!("{sealed} AND substr({column}, 1, ?1) <> ?2");
        sum.former += count(connection, &former, params![prefix.len(), prefix])?;
    }
    Ok(sum)
}
