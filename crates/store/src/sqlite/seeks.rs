//! Moving streams in the log.

use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use domain::place::Place;
use domain::redelivery::DeliveryFilter;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{run, seq_of, seq_value, unavailable};
use super::writer::Writing;
use super::{cursors, places, streams};
use crate::{Keyring, Moved, Seek, StoreError, StreamState};

/// Positions looked at to count the events that a stream would get.
const COUNTED_MAX: u32 = 100_000;

/// A move of a stream, before the events behind it are counted.
pub(super) struct Sought {
    state: StreamState,
    from: Seq,
    to: Seq,
    end: Seq,
}

/// The move of a stream to a place, as it would be now.
pub(super) fn sought(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    id: StreamId,
    to: Place,
    end: Seq,
) -> Result<Option<Sought>, StoreError> {
    let Some(state) = streams::state(connection, keyring, tenant, id)? else { return Ok(None) };
    let to = places::resolve(connection, to, end)?;
    let from = cursors::position(connection, id)?.map_or(to, |position| position.cursor());
    Ok(Some(Sought { state, from, to, end }))
}

impl Sought {
    /// Counts what the stream will get.
    pub(super) fn counted(&self, connection: &Connection) -> Result<Moved, StoreError> {
        let stream = &self.state.stream;
        let wanted = places::Wanted { tenant: self.state.tenant, stream: stream.id, types: stream.event_types() };
        let (events, counted_below) =
            wanted.count(connection, &DeliveryFilter::default(), self.to, self.end, COUNTED_MAX)?;
        Ok(Moved { from: self.from, to: self.to, events, counted_below })
    }
}

/// Moves a stream: it goes on at the place with what it subscribes to now.
pub(super) fn stream_seek(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    id: StreamId,
    to: Place,
) -> Result<Option<Sought>, StoreError> {
    let end = writing.log_end();
    let Some(mut sought) = sought(writing.connection, writing.keyring, tenant, id, to, end)? else {
        return Ok(None);
    };
    let text = id.to_string();
    sought.state.spans.place(&sought.state.stream, sought.to, end);
    cursors::cursor_move(writing.connection, &text, sought.to)?;
    streams::spans_save(writing, id, sought.state.spans.clone())?;
    sought_save(writing.connection, &text, sought.to)?;
    Ok(Some(sought))
}

pub(super) fn sought_save(connection: &Connection, id: &str, to: Seq) -> Result<(), StoreError> {
    let sql = "UPDATE streams SET seeks = seeks + 1, sought = ?2 WHERE stream_id = ?1";
    run(connection, sql, params![id, seq_value(to)]).map(|_| ())
}

/// What was done with a stream.
pub(super) struct Steered {
    pub(super) tenant: TenantId,
    /// How often it was enabled or disabled.
    pub(super) generation: u64,
    /// How it was moved.
    pub(super) seek: Seek,
}

/// What was done with a stream; `None` if there is no such stream.
pub(super) fn steered(connection: &Connection, id: &str) -> Result<Option<Steered>, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let seek = Seek { count: row.get(2)?, to: seq_of(row, 3)? };
        Ok(Steered { tenant: TenantId(row.get(0)?), generation: row.get(1)?, seek })
    };
    connection
        .prepare_cached("SELECT tenant_id, generation, seeks, sought FROM streams WHERE stream_id = ?1")
        .and_then(|mut statement| statement.query_row(params![id], read).optional())
        .map_err(unavailable("read a stream"))
}
