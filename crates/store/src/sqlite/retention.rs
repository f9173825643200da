//! Removing what is older than the log is kept.

use domain::clock::Timestamp;
use domain::event::Seq;
use domain::ids::StreamId;
use rusqlite::{Connection, params};

use super::rows::{run, unavailable};
use super::writer::Writing;
use super::{published, streams};
use crate::{RetentionPass, StoreError};

/// Removes a stretch from the beginning of the log, up to the first event that is not old enough. Times grow
/// with positions but for jumps of the clock, which only make some events stay a little longer.
pub(super) fn retention_pass(writing: &Writing<'_>, before: Timestamp, most: u32) -> Result<RetentionPass, StoreError> {
    let connection = writing.connection;
    let needed = streams::floor_value(streams::lowest_needed(connection)?);
    let Some(last) = last_removable(connection, needed, before, most).map_err(unavailable("read its log"))? else {
        return Ok(RetentionPass::default());
    };
    let failures = failures_below(connection, last)?;
    run(connection, "DELETE FROM failures WHERE seq <= ?1", params![last])?;
    run(connection, "DELETE FROM parked WHERE seq <= ?1", params![last])?;
    let events = run(connection, "DELETE FROM log WHERE seq <= ?1", params![last])?;
    published::runs_remove(connection, Seq(last.unsigned_abs()))?;
    let oldest = Seq(last.unsigned_abs()).next();
    Ok(RetentionPass { events: u32::try_from(events).unwrap_or(u32::MAX), failures, oldest })
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
        .prepare_cached("SELECT stream_id, count(*) FROM failures WHERE seq <= ?1 GROUP BY stream_id")
        .and_then(|mut statement| statement.query_map(params![last], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(unavailable("read failed deliveries"))?;
    Ok(rows.into_iter().filter_map(|(id, count)| Some((StreamId::parse(&id).ok()?, count))).collect())
}
