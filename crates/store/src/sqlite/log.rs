//! Reading the log.

use std::sync::Arc;

use bytes::Bytes;
use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::event::{Event, LoggedEvent, Seq, Subject};
use domain::ids::{EventId, StreamId, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, Rows, params};

use super::rows::{Place, event_type, seq_of, seq_value, text_of, unavailable};
use crate::{LogChunk, ReadLimit, StoreError, Wanted};

const COLUMNS: &str = "SELECT seq, tenant_id, event_id, event_type, subject, time, only_stream, body FROM log";

fn type_of(row: &Row<'_>) -> rusqlite::Result<Result<EventType, StoreError>> {
    let seq = seq_of(row, 0)?;
    Ok(event_type(text_of(row, 3)?, Place { table: "log", column: "event_type", row: &seq }))
}

fn logged_of(row: &Row<'_>) -> rusqlite::Result<Result<LoggedEvent, StoreError>> {
    let seq = seq_of(row, 0)?;
    let tenant = TenantId(row.get(1)?);
    let (id, type_name, subject) = (text_of(row, 2)?, text_of(row, 3)?, text_of(row, 4)?);
    let time = Timestamp::from_millis(row.get(5)?);
    let only_stream = row.get_ref(6)?.as_str_or_null()?;
    let body = Bytes::copy_from_slice(row.get_ref(7)?.as_blob()?);
    let place = |column| Place { table: "log", column, row: &seq };
    let read = || {
        let id = EventId::parse(id).map_err(|_| place("event_id").corrupt())?;
        let event_type = event_type(type_name, place("event_type"))?;
        let event = Event { id, event_type, subject: Subject::from_text(subject), time, body };
        let only_stream = only_stream.map(StreamId::parse).transpose().map_err(|_| place("only_stream").corrupt())?;
        Ok(LoggedEvent { seq, tenant, only_stream, event })
    };
    Ok(read())
}

pub(super) fn log_read(
    connection: &Connection,
    from: Seq,
    until: Seq,
    limit: ReadLimit,
) -> Result<LogChunk, StoreError> {
    let failed = unavailable("read its log");
    let mut statement = connection
        .prepare_cached(&format!("{COLUMNS} WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT ?3"))
        .map_err(&failed)?;
    let most = i64::try_from(limit.events).unwrap_or(i64::MAX);
    let rows = statement.query(params![seq_value(from), seq_value(until), most]).map_err(&failed)?;
    chunk_of(rows, None, until.max(from), limit)
}

/// What is wanted of a stretch. Of other rows the body, which is most of one, is not read.
pub(super) fn tenant_events(
    connection: &Connection,
    wanted: &Wanted,
    from: Seq,
    until: Seq,
    limit: ReadLimit,
) -> Result<LogChunk, StoreError> {
    let failed = unavailable("read its log");
    let sql = format!("{COLUMNS} WHERE seq >= ?1 AND seq < ?2 AND tenant_id = ?3 AND only_stream IS NULL ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql).map_err(&failed)?;
    let rows = statement.query(params![seq_value(from), seq_value(until), wanted.tenant.0]).map_err(&failed)?;
    chunk_of(rows, Some(&|event_type| wanted.wants(event_type)), until.max(from), limit)
}

/// The rows of the wanted types, or of all, as far as the limit goes; `next` is where to go on if it goes to the end.
fn chunk_of(
    mut rows: Rows<'_>,
    wants: Option<&dyn Fn(EventType) -> bool>,
    next: Seq,
    limit: ReadLimit,
) -> Result<LogChunk, StoreError> {
    let failed = unavailable("read its log");
    let mut chunk = LogChunk { events: Vec::new(), next };
    let mut bytes = 0;
    while let Some(row) = rows.next().map_err(&failed)? {
        if let Some(wants) = wants
            && !wants(type_of(row).map_err(&failed)??)
        {
            continue;
        }
        let logged = logged_of(row).map_err(&failed)??;
        bytes += logged.event.body.len();
        let next = logged.seq.next();
        chunk.events.push(Arc::new(logged));
        if chunk.events.len() >= limit.events || bytes >= limit.bytes {
            chunk.next = next;
            break;
        }
    }
    Ok(chunk)
}

pub(super) fn log_get(connection: &Connection, seqs: &[Seq]) -> Result<Vec<Arc<LoggedEvent>>, StoreError> {
    let failed = unavailable("read its log");
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE seq = ?1")).map_err(&failed)?;
    let mut events = Vec::with_capacity(seqs.len());
    for seq in seqs {
        let found = statement.query_row(params![seq_value(*seq)], logged_of).optional().map_err(&failed)?;
        events.extend(found.transpose()?.map(Arc::new));
    }
    Ok(events)
}
