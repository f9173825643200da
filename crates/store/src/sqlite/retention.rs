//! Removing what is older than the log is kept.
//!
//! A step looks, with a connection that only reads, how far it may go, and then removes in one small change. What may go
//! may go later too, as long as no stream was moved, made or enabled in between: streams only go forward by themselves.

use domain::clock::Timestamp;
use domain::event::Seq;
use domain::ids::StreamId;
use rusqlite::{Connection, params};

use super::rows::{run, seq_value, unavailable};
use super::writer::Writing;
use super::{published, streams};
use crate::{RetentionPass, StoreError};

/// The last position of the stretch at the beginning of the log that may go: up to the first event that is not old
/// enough. Times grow with positions but for jumps of the clock, which only make some events stay a little longer.
pub(super) fn look(connection: &Connection, before: Timestamp, most: u32) -> Result<Option<Seq>, StoreError> {
    let needed = streams::floor_value(streams::lowest_needed(connection)?);
    let last = last_removable(connection, needed, before, most).map_err(unavailable("read its log"))?;
    Ok(last.map(|last| Seq(last.unsigned_abs())))
}

/// Removes the log up to a position.
pub(super) fn remove(writing: &Writing<'_>, last: Seq) -> Result<RetentionPass, StoreError> {
    let connection = writing.connection;
    let last_value = seq_value(last);
    let failures = failures_below(connection, last_value)?;
    for table in ["failures", "parked", "out_of_turn"] {
        // Stream by stream, which is how these rows are found.
        let sql = format!(
            "DELETE FROM {table} WHERE (stream_id, seq) IN (SELECT t.stream_id, t.seq FROM streams s
               CROSS JOIN {table} t ON t.stream_id = s.stream_id AND t.seq <= ?1)"
        );
        run(connection, &sql, params![last_value])?;
    }
    for (stream, count) in &failures {
        let sql = "UPDATE cursors SET failures_outstanding = max(failures_outstanding - ?2, 0) WHERE stream_id = ?1";
        run(connection, sql, params![stream.to_string(), count])?;
    }
    let events = run(connection, "DELETE FROM log WHERE seq <= ?1", params![last_value])?;
    published::runs_remove(connection, last)?;
    Ok(RetentionPass { events: u32::try_from(events).unwrap_or(u32::MAX), failures, oldest: last.next() })
}

fn last_removable(connection: &Connection, needed: i64, before: Timestamp, most: u32) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT seq, time FROM log WHERE seq < ?1 AND seq < (SELECT max(seq) FROM log) ORDER BY seq LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![needed, most])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= before.as_millis() {
            break;
        }
        last = Some(row.get(0)?);
    }
    Ok(last)
}

fn failures_below(connection: &Connection, last: i64) -> Result<Vec<(StreamId, u32)>, StoreError> {
    let rows: Vec<(String, u32)> = connection
        .prepare_cached(
            "SELECT s.stream_id, count(*) FROM streams s CROSS JOIN failures f
               ON f.stream_id = s.stream_id AND f.seq <= ?1 GROUP BY s.stream_id",
        )
        .and_then(|mut statement| statement.query_map(params![last], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(unavailable("read failed deliveries"))?;
    Ok(rows.into_iter().filter_map(|(id, count)| Some((StreamId::parse(&id).ok()?, count))).collect())
}
