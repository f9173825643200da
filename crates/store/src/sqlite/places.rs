//! Places in the log: which positions they are, and what lies behind them.

use domain::catalog::{EventType, EventTypes};
use domain::clock::Timestamp;
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use domain::place::Place;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{Place as Cell, event_type, seq_of, seq_value, text_of, unavailable};
use crate::{PlaceError, StoreError};

/// Events looked at to count those that a stream would get.
const COUNTED_MAX: i64 = 100_000;

/// The oldest position that the log holds; `end`, its next position, if it holds nothing.
pub(super) fn oldest(connection: &Connection, end: Seq) -> Result<Seq, StoreError> {
    let oldest: Option<u64> = connection
        .prepare_cached("SELECT min(seq) FROM log")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(unavailable("read its log"))?;
    Ok(oldest.map_or(end, Seq))
}

/// The position that a place is in a log that ends before `end`.
pub(super) fn resolve(connection: &Connection, place: Place, end: Seq) -> Result<Seq, StoreError> {
    match place {
        Place::Now => Ok(end),
        Place::Beginning => oldest(connection, end),
        Place::Time(time) => first_since(connection, time, end),
        Place::Position(seq) if seq > end => Err(PlaceError::Ahead.into()),
        Place::Position(seq) if seq < oldest(connection, end)? => Err(PlaceError::Expired.into()),
        Place::Position(seq) => Ok(seq),
    }
}

/// The first position whose event is not older than `time`, by halving: times grow with positions. Where a
/// clock jumped back they do not, and a place near the jump may be any of those where they cross `time`.
fn first_since(connection: &Connection, time: Timestamp, end: Seq) -> Result<Seq, StoreError> {
    let (mut low, mut high) = (oldest(connection, end)?, end);
    let mut next = connection
        .prepare_cached("SELECT seq, time FROM log WHERE seq >= ?1 ORDER BY seq LIMIT 1")
        .map_err(unavailable("read its log"))?;
    while low < high {
        let middle = Seq(low.0 + (high.0 - low.0) / 2);
        let found: Option<(Seq, i64)> = next
            .query_row(params![seq_value(middle)], |row| Ok((seq_of(row, 0)?, row.get(1)?)))
            .optional()
            .map_err(unavailable("read its log"))?;
        match found {
            Some((seq, at)) if at < time.as_millis() => low = seq.next(),
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Whose events are counted.
pub(super) struct Wanted {
    pub(super) tenant: TenantId,
    pub(super) stream: StreamId,
    pub(super) types: EventTypes,
}

/// How many events at positions from `from` on and below `end` are wanted; and, if that was too far to look,
/// the position below which they were counted.
pub(super) fn count(
    connection: &Connection,
    wanted: &Wanted,
    from: Seq,
    end: Seq,
) -> Result<(u64, Option<Seq>), StoreError> {
    let failed = unavailable("read its log");
    let sql = "SELECT seq, tenant_id, event_type, only_stream FROM log WHERE seq >= ?1 AND seq < ?2
               ORDER BY seq LIMIT ?3";
    let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
    let mut rows = statement.query(params![seq_value(from), seq_value(end), COUNTED_MAX]).map_err(&failed)?;
    let stream = wanted.stream.to_string();
    let (mut events, mut looked_at, mut next) = (0, 0, from);
    while let Some(row) = rows.next().map_err(&failed)? {
        let seq = seq_of(row, 0).map_err(&failed)?;
        let tenant = TenantId(row.get(1).map_err(&failed)?);
        let type_name = text_of(row, 2).map_err(&failed)?;
        let event_type: EventType = event_type(type_name, Cell { table: "log", column: "event_type", row: &seq })?;
        let only: Option<String> = row.get(3).map_err(&failed)?;
        let is_for = only.is_none_or(|only| only == stream);
        events += u64::from(tenant == wanted.tenant && is_for && wanted.types.contains(event_type));
        looked_at += 1;
        next = seq.next();
    }
    Ok((events, (looked_at == COUNTED_MAX && next < end).then_some(next)))
}
