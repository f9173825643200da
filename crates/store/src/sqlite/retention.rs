//! Removing what is older than the log is kept.

use domain::clock::Timestamp;
use domain::ids::StreamId;
use rusqlite::{Connection, params};

use super::rows::{run, unavailable};
use super::streams;
use super::writer::Writing;
use crate::{RetentionPass, StoreError};

/// Removes a stretch from the beginning of the log. Events older than `before` are a prefix of it but for
/// jumps of the clock, which only make some stay a little longer.
pub(super) fn retention_pass(writing: &Writing<'_>, before: Timestamp, most: u32) -> Result<RetentionPass, StoreError> {
    let connection = writing.connection;
    let needed = streams::floor_value(streams::lowest_needed(connection)?);
    let sql = "SELECT coalesce(max(seq), 0) FROM (
                 SELECT seq, time FROM log WHERE seq < ?1 AND seq < (SELECT max(seq) FROM log) ORDER BY seq LIMIT ?2)
               WHERE time < ?3";
    let last: i64 = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![needed, most, before.as_millis()], |row| row.get(0)))
        .map_err(unavailable("read its log"))?;
    if last == 0 {
        return Ok(RetentionPass::default());
    }
    let failures = failures_below(connection, last)?;
    run(connection, "DELETE FROM failures WHERE seq <= ?1", params![last])?;
    run(connection, "DELETE FROM parked WHERE seq <= ?1", params![last])?;
    let events = run(connection, "DELETE FROM log WHERE seq <= ?1", params![last])?;
    Ok(RetentionPass { events: u32::try_from(events).unwrap_or(u32::MAX), failures })
}

fn failures_below(connection: &Connection, last: i64) -> Result<Vec<(StreamId, u32)>, StoreError> {
    let rows: Vec<(String, u32)> = connection
        .prepare_cached("SELECT stream_id, count(*) FROM failures WHERE seq <= ?1 GROUP BY stream_id")
        .and_then(|mut statement| statement.query_map(params![last], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(unavailable("read failed deliveries"))?;
    Ok(rows.into_iter().filter_map(|(id, count)| Some((StreamId::parse(&id).ok()?, count))).collect())
}
