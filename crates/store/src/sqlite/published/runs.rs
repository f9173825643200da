//! Runs on the disk: sorted keys in parts that are small enough to read one for a single key.

use domain::publish::PublishKey;
use rusqlite::{Connection, OptionalExtension, params};

use super::filters::{Filter, Filters};
use crate::StoreError;
use crate::sqlite::rows::{Place, run, unavailable};

/// Parts of a run, by the first bits of the key. A part of a full run is about a kilobyte, three to a page.
const PARTS: u64 = 1 << PART_BITS;
const PART_BITS: u32 = 10;
const KEY_BYTES: usize = size_of::<u128>();

const READING: &str = "read the keys of published events";

fn part_of(key: PublishKey) -> u64 {
    u64::try_from(key.number() >> (u128::BITS - PART_BITS)).expect("the first bits of a key are few")
}

/// A key as it is stored: bytes that sort as the keys do.
pub(in crate::sqlite) fn key_bytes(key: PublishKey) -> [u8; KEY_BYTES] {
    key.number().to_be_bytes()
}

/// A key as it was stored.
pub(super) fn key_of(bytes: &[u8]) -> Option<PublishKey> {
    Some(PublishKey::from_number(u128::from_be_bytes(bytes.try_into().ok()?)))
}

/// Writes a run of ascending keys. One without keys is written too: it says how far the runs have come.
pub(super) fn write(
    connection: &Connection,
    number: u64,
    keys: &[PublishKey],
    filter: Option<&Filter>,
) -> Result<(), StoreError> {
    let filter = filter.map(Filter::to_bytes);
    run(connection, "INSERT INTO published_runs VALUES (?1, ?2)", params![number, filter])?;
    for part in keys.chunk_by(|one, other| part_of(*one) == part_of(*other)) {
        let bytes: Vec<u8> = part.iter().copied().flat_map(key_bytes).collect();
        let place = number * PARTS + part_of(part[0]);
        run(connection, "INSERT INTO published_keys VALUES (?1, ?2)", params![place, bytes])?;
    }
    Ok(())
}

/// Whether a run holds a key.
pub(super) fn contains(connection: &Connection, number: u64, key: PublishKey) -> Result<bool, StoreError> {
    let place = number * PARTS + part_of(key);
    let found = connection
        .prepare_cached("SELECT keys FROM published_keys WHERE place = ?1")
        .and_then(|mut statement| {
            let search = |row: &rusqlite::Row<'_>| {
                let (keys, rest) = row.get_ref(0)?.as_blob()?.as_chunks::<KEY_BYTES>();
                Ok(rest.is_empty().then(|| keys.binary_search(&key_bytes(key)).is_ok()))
            };
            statement.query_row(params![place], search).optional()
        })
        .map_err(unavailable(READING))?;
    match found {
        None => Ok(false),
        Some(Some(found)) => Ok(found),
        Some(None) => Err(Place { table: "published_keys", column: "keys", row: &place }.corrupt()),
    }
}

/// Reads the filters of all runs.
pub(super) fn read_filters(connection: &Connection, filters: &mut Filters) -> Result<(), StoreError> {
    let failed = unavailable(READING);
    let sql = "SELECT run, filter FROM published_runs WHERE filter IS NOT NULL ORDER BY run";
    let mut statement = connection.prepare(sql).map_err(&failed)?;
    let mut rows = statement.query([]).map_err(&failed)?;
    while let Some(row) = rows.next().map_err(&failed)? {
        let number: u64 = row.get(0).map_err(&failed)?;
        let bytes = row.get_ref(1).and_then(|value| Ok(value.as_blob()?)).map_err(&failed)?;
        let place = Place { table: "published_runs", column: "filter", row: &number };
        let filter = filters.filter_from(bytes).ok_or_else(|| place.corrupt())?;
        filters.add(number, &filter);
    }
    Ok(())
}

/// The run after the last one; without any, that of the log's first event.
pub(super) fn next(connection: &Connection, run_positions: u64) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce((SELECT max(run) + 1 FROM published_runs), (SELECT min(seq) / ?1 FROM log), 0)";
    connection.query_row(sql, params![run_positions], |row| row.get(0)).map_err(unavailable(READING))
}

/// The first run that is kept.
pub(super) fn oldest(connection: &Connection) -> Result<u64, StoreError> {
    connection
        .query_row("SELECT coalesce(min(run), 0) FROM published_runs", [], |row| row.get(0))
        .map_err(unavailable(READING))
}

/// Removes the runs before `number`.
pub(super) fn remove_below(connection: &Connection, number: u64) -> Result<(), StoreError> {
    run(connection, "DELETE FROM published_keys WHERE place < ?1", params![number * PARTS])?;
    run(connection, "DELETE FROM published_runs WHERE run < ?1", params![number]).map(|_| ())
}
