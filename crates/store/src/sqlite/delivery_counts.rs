//! How many deliveries have ended: a row for a stream and a minute in which any have, never one for a delivery.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::delivery::{Cycles, DURATION_CLASSES};
use domain::ids::{StreamId, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::rows::{Place, json, query, run, to_json, unavailable};
use super::writer::Writing;
use crate::{CountedCycles, Statistics, StatisticsUpkeep, StoreError};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long counts are kept by the minute; then they are summed up by the hour.
const MINUTES_KEPT_MS: i64 = 15 * DAY_MS;

/// How long counts are kept by the hour.
const HOURS_KEPT_MS: i64 = 400 * DAY_MS;

#[async_trait]
impl Statistics for SqliteStore {
    async fn cycles_counted(
        &self,
        tenant: TenantId,
        stream: StreamId,
        from: Timestamp,
        until: Timestamp,
        width_ms: u32,
    ) -> Result<Vec<CountedCycles>, StoreError> {
        self.readers.read(move |connection| counted(connection, tenant, stream, from, until, width_ms)).await
    }
}

#[async_trait]
impl StatisticsUpkeep for SqliteStore {
    async fn counts_compact(&self, now: Timestamp, most: u32) -> Result<bool, StoreError> {
        // Looking takes no turn of the writer.
        if !self.readers.read(move |connection| is_old(connection, now)).await? {
            return Ok(false);
        }
        self.writer.write(move |writing| compact(writing, now, most)).await
    }
}

/// Adds what has ended to the minute that `now` is in.
pub(super) fn cycles_add(
    connection: &Connection,
    stream: &str,
    now: Timestamp,
    cycles: &Cycles,
) -> Result<(), StoreError> {
    if cycles.is_empty() {
        return Ok(());
    }
    add(connection, stream, MINUTE_MS, now.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS, *cycles)
}

fn add(connection: &Connection, stream: &str, width: i64, start: i64, mut cycles: Cycles) -> Result<(), StoreError> {
    let sql = "SELECT start, delivered, failed, durations FROM delivery_counts
               WHERE stream_id = ?1 AND width = ?2 AND start = ?3";
    let stored = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![stream, width, start], counts_of).optional())
        .map_err(unavailable("read delivery counts"))?;
    if let Some(stored) = stored.transpose()? {
        cycles.add(&stored.cycles);
    }
    let values = params![stream, width, start, cycles.delivered, cycles.failed, to_json(&cycles.durations)];
    run(connection, "INSERT OR REPLACE INTO delivery_counts VALUES (?1, ?2, ?3, ?4, ?5, ?6)", values).map(|_| ())
}

fn counts_of(row: &Row<'_>) -> rusqlite::Result<Result<CountedCycles, StoreError>> {
    let start: i64 = row.get(0)?;
    let (delivered, failed) = (row.get(1)?, row.get(2)?);
    let durations: String = row.get(3)?;
    let place = Place { table: "delivery_counts", column: "durations", row: &start };
    let durations: Result<[u64; DURATION_CLASSES], _> = json(&durations, place);
    Ok(durations.map(|durations| CountedCycles {
        start: Timestamp::from_millis(start),
        cycles: Cycles { delivered, failed, durations },
    }))
}

fn counted(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    from: Timestamp,
    until: Timestamp,
    width_ms: u32,
) -> Result<Vec<CountedCycles>, StoreError> {
    let sql = "SELECT c.start, c.delivered, c.failed, c.durations FROM delivery_counts c JOIN streams s USING (stream_id)
               WHERE c.stream_id = ?1 AND s.tenant_id = ?2 AND c.width IN (60000, 3600000) AND c.start >= ?3 AND c.start < ?4 ORDER BY c.start";
    let values = params![stream.to_string(), tenant.0, from.as_millis(), until.as_millis()];
    let width = i64::from(width_ms);
    let mut sums: Vec<CountedCycles> = Vec::new();
    for CountedCycles { start, cycles } in query(connection, sql, values, counts_of)? {
        let start = Timestamp::from_millis(start.as_millis().div_euclid(width) * width);
        match sums.last_mut().filter(|sum| sum.start == start) {
            Some(sum) => sum.cycles.add(&cycles),
            None => sums.push(CountedCycles { start, cycles }),
        }
    }
    Ok(sums)
}

/// Counts by the minute from before the first are summed up, counts by the hour from before the second forgotten.
fn oldest_kept(now: Timestamp) -> (i64, i64) {
    let minutes = (now.as_millis() - MINUTES_KEPT_MS).div_euclid(HOUR_MS) * HOUR_MS;
    (minutes, now.as_millis() - HOURS_KEPT_MS)
}

fn is_old(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let (minutes, hours) = oldest_kept(now);
    connection
        .prepare_cached(
            "SELECT 1 FROM delivery_counts WHERE (width = ?1 AND start < ?2) OR (width = ?3 AND start < ?4) LIMIT 1",
        )
        .and_then(|mut statement| statement.exists(params![MINUTE_MS, minutes, HOUR_MS, hours]))
        .map_err(unavailable("read delivery counts"))
}

fn compact(writing: &mut Writing<'_>, now: Timestamp, most: u32) -> Result<bool, StoreError> {
    let connection = writing.connection;
    let (oldest_minute, oldest_hour) = oldest_kept(now);
    let sql = "DELETE FROM delivery_counts WHERE width = ?1 AND start < ?2";
    run(connection, sql, params![HOUR_MS, oldest_hour])?;
    let sql = "SELECT stream_id, start, delivered, failed, durations FROM delivery_counts
               WHERE width = ?1 AND start < ?2 ORDER BY start LIMIT ?3";
    let old = query(connection, sql, params![MINUTE_MS, oldest_minute, most], |row| {
        let stream: String = row.get(0)?;
        let (start, delivered, failed): (i64, u64, u64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let durations: String = row.get(4)?;
        let place = Place { table: "delivery_counts", column: "durations", row: &start };
        let durations: Result<[u64; DURATION_CLASSES], _> = json(&durations, place);
        Ok(durations.map(|durations| (stream, start, Cycles { delivered, failed, durations })))
    })?;
    for (stream, start, cycles) in &old {
        add(connection, stream, HOUR_MS, start.div_euclid(HOUR_MS) * HOUR_MS, *cycles)?;
        let sql = "DELETE FROM delivery_counts WHERE stream_id = ?1 AND width = ?2 AND start = ?3";
        run(connection, sql, params![stream, MINUTE_MS, start])?;
    }
    Ok(old.len() == most as usize)
}
