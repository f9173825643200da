//! Places in the log: which positions they are, and what lies behind them.

use domain::catalog::{EventType, EventTypes};
use domain::clock::Timestamp;
use domain::event::{Seq, Subject, time_in_body};
use domain::ids::{StreamId, TenantId};
use domain::place::Place;
use domain::redelivery::DeliveryFilter;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{Place as Cell, event_type, seq_of, seq_value, text_of, unavailable};
use crate::{PlaceError, StoreError};

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

/// When the first event at `from` or after it came into being.
pub(super) fn time_from(connection: &Connection, from: Seq) -> Result<Option<Timestamp>, StoreError> {
    let time: Option<i64> = connection
        .prepare_cached("SELECT time FROM log WHERE seq >= ?1 ORDER BY seq LIMIT 1")
        .and_then(|mut statement| statement.query_row(params![seq_value(from)], |row| row.get(0)).optional())
        .map_err(unavailable("read its log"))?;
    Ok(time.map(Timestamp::from_millis))
}

/// Whose events are counted.
pub(super) struct Wanted {
    pub(super) tenant: TenantId,
    pub(super) stream: StreamId,
    pub(super) types: EventTypes,
}

impl Wanted {
    /// How many events at positions from `from` on and below `end` are wanted and meant; and, if that was further than
    /// `most` positions, the one below which they were counted.
    pub(super) fn count(
        &self,
        connection: &Connection,
        filter: &DeliveryFilter,
        from: Seq,
        end: Seq,
        most: u32,
    ) -> Result<(u64, Option<Seq>), StoreError> {
        let (mut events, mut left) = (0, most);
        let next = self.scan(connection, filter, from, end, &mut left, |_| {
            events += 1;
            Ok(true)
        })?;
        Ok((events, (next < end).then_some(next)))
    }

    /// Hands out the events from `from` on and below `end` that are wanted and meant, as long as `found` answers true.
    /// Looks at no more than `left`, which are counted down; answers where to go on.
    pub(super) fn scan(
        &self,
        connection: &Connection,
        filter: &DeliveryFilter,
        from: Seq,
        end: Seq,
        left: &mut u32,
        mut found: impl FnMut(Seq) -> Result<bool, StoreError>,
    ) -> Result<Seq, StoreError> {
        let failed = unavailable("read its log");
        let sql = "SELECT seq, tenant_id, event_type, only_stream, subject, time, body FROM log
                   WHERE seq >= ?1 AND seq < ?2 ORDER BY seq";
        let mut statement = connection.prepare_cached(sql).map_err(&failed)?;
        let mut rows = statement.query(params![seq_value(from), seq_value(end)]).map_err(&failed)?;
        let mut next = from;
        while *left > 0 {
            let Some(row) = rows.next().map_err(&failed)? else { return Ok(end) };
            *left -= 1;
            let seq = seq_of(row, 0).map_err(&failed)?;
            next = seq.next();
            if self.wants(row, seq, filter)? && !found(seq)? {
                break;
            }
        }
        Ok(next)
    }

    fn wants(&self, row: &Row<'_>, seq: Seq, filter: &DeliveryFilter) -> Result<bool, StoreError> {
        let failed = unavailable("read its log");
        let tenant = TenantId(row.get(1).map_err(&failed)?);
        let type_name = text_of(row, 2).map_err(&failed)?;
        let event_type: EventType = event_type(type_name, Cell { table: "log", column: "event_type", row: &seq })?;
        let only: Option<String> = row.get(3).map_err(&failed)?;
        let is_test = || text_of(row, 4).map(|subject| Subject::from_text(subject).is_test());
        let is_for = match only {
            None => true,
            Some(only) => only == self.stream.to_string() && !is_test().map_err(&failed)?,
        };
        // What is said of a stream is not for the stream itself (`LoggedEvent::is_for`).
        let is_of_itself = || text_of(row, 4).map(|subject| Subject::from_text(subject).is_of_stream(self.stream));
        if event_type.is_operational() && is_of_itself().map_err(&failed)? {
            return Ok(false);
        }
        if tenant != self.tenant || !is_for || !self.types.contains(event_type) {
            return Ok(false);
        }
        let logged_at = Timestamp::from_millis(row.get(5).map_err(&failed)?);
        let time = match filter.has_dates() {
            false => logged_at,
            true => {
                let body = row.get_ref(6).map_err(&failed)?.as_blob().map_err(|error| failed(error.into()))?;
                time_in_body(body).unwrap_or(logged_at)
            }
        };
        Ok(filter.matches(event_type, time))
    }
}
