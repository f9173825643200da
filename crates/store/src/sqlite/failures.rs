//! Failed deliveries and the requests to deliver them again.

use bytes::Bytes;
use domain::clock::Timestamp;
use domain::delivery::{Attempt, Redelivery};
use domain::event::{Seq, Subject};
use domain::ids::{EventId, StreamId, TenantId};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::rows::{Place, event_type, json, run, seq_of, seq_value, text_of, to_json, unavailable};
use super::writer::Writing;
use crate::{FailedDelivery, RedeliveryRequested, StoreError};

/// Attempts kept of one delivery; beyond that the oldest are forgotten (management-api.md 3.8).
const ATTEMPTS_MAX: usize = 100;

pub(super) fn failure_record(
    connection: &Connection,
    stream: &str,
    seq: Seq,
    at: Timestamp,
    attempts: &[Attempt],
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO failures (stream_id, seq, event_id, failed_at, attempts)
               SELECT ?1, seq, event_id, ?3, ?4 FROM log WHERE seq = ?2";
    let kept = &attempts[attempts.len().saturating_sub(ATTEMPTS_MAX)..];
    run(connection, sql, params![stream, seq_value(seq), at.as_millis(), to_json(&kept)]).map(|_| ())
}

/// Adds attempts to a failed delivery, and ends its redelivery if they are those of it. A request that the attempts do
/// not answer stands.
pub(super) fn failure_extend(
    connection: &Connection,
    stream: &str,
    seq: Seq,
    attempts: &[Attempt],
    redelivery: bool,
) -> Result<(), StoreError> {
    let sql = "UPDATE failures SET attempts = ?3,
                 redelivery_requested_at = CASE WHEN ?4 THEN NULL ELSE redelivery_requested_at END
               WHERE stream_id = ?1 AND seq = ?2";
    let Some(all) = attempts_with(connection, stream, seq, attempts)? else { return Ok(()) };
    run(connection, sql, params![stream, seq_value(seq), all, redelivery]).map(|_| ())
}

/// The stored attempts of a failed delivery followed by `more`, as JSON.
fn attempts_with(
    connection: &Connection,
    stream: &str,
    seq: Seq,
    more: &[Attempt],
) -> Result<Option<String>, StoreError> {
    let stored: Option<String> = connection
        .prepare_cached("SELECT attempts FROM failures WHERE stream_id = ?1 AND seq = ?2")
        .and_then(|mut statement| statement.query_row(params![stream, seq_value(seq)], |row| row.get(0)).optional())
        .map_err(unavailable("read a failed delivery"))?;
    let Some(stored) = stored else { return Ok(None) };
    let mut all: Vec<Attempt> = json(&stored, Place { table: "failures", column: "attempts", row: &seq })?;
    all.extend_from_slice(more);
    all.drain(..all.len().saturating_sub(ATTEMPTS_MAX));
    Ok(Some(to_json(&all)))
}

pub(super) fn failure_remove(connection: &Connection, stream: &str, seq: Seq) -> Result<(), StoreError> {
    run(connection, "DELETE FROM failures WHERE stream_id = ?1 AND seq = ?2", params![stream, seq_value(seq)])
        .map(|_| ())
}

const COLUMNS: &str = "SELECT f.seq, f.event_id, l.event_type, f.failed_at, f.attempts, l.body
  FROM failures f JOIN log l ON l.seq = f.seq";

fn failure_of(row: &Row<'_>) -> rusqlite::Result<Result<FailedDelivery, StoreError>> {
    let seq = seq_of(row, 0)?;
    let (id, type_name) = (text_of(row, 1)?, text_of(row, 2)?);
    let failed_at = Timestamp::from_millis(row.get(3)?);
    let attempts = text_of(row, 4)?;
    let body = Bytes::copy_from_slice(row.get_ref(5)?.as_blob()?);
    let place = |table, column| Place { table, column, row: &seq };
    let read = || {
        Ok(FailedDelivery {
            seq,
            event_id: EventId::parse(id).map_err(|_| place("failures", "event_id").corrupt())?,
            event_type: event_type(type_name, place("log", "event_type"))?,
            failed_at,
            attempts: json(attempts, place("failures", "attempts"))?,
            body,
        })
    };
    Ok(read())
}

fn query(connection: &Connection, filter: &str, values: impl Params) -> Result<Vec<FailedDelivery>, StoreError> {
    connection
        .prepare_cached(&format!("{COLUMNS} {filter}"))
        .and_then(|mut statement| statement.query_map(values, failure_of)?.collect::<rusqlite::Result<Vec<_>>>())
        .map_err(unavailable("read failed deliveries"))?
        .into_iter()
        .collect()
}

pub(super) fn failure_page(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    after: Seq,
    take: u32,
) -> Result<Vec<FailedDelivery>, StoreError> {
    let filter = "WHERE f.stream_id = ?1 AND f.seq > ?2 AND l.tenant_id = ?3 ORDER BY f.seq LIMIT ?4";
    query(connection, filter, params![stream.to_string(), seq_value(after), tenant.0, take])
}

pub(super) fn failure_get(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    event: EventId,
) -> Result<Option<FailedDelivery>, StoreError> {
    let filter = "WHERE f.stream_id = ?1 AND f.event_id = ?2 AND l.tenant_id = ?3";
    Ok(query(connection, filter, params![stream.to_string(), event.to_string(), tenant.0])?.pop())
}

pub(super) fn failure_count(connection: &Connection, tenant: TenantId, stream: StreamId) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM failures f JOIN streams s USING (stream_id)
               WHERE f.stream_id = ?1 AND s.tenant_id = ?2";
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![stream.to_string(), tenant.0], |row| row.get(0)))
        .map_err(unavailable("count failed deliveries"))
}

pub(super) fn redelivery_request(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: StreamId,
    event: EventId,
    now: Timestamp,
) -> Result<RedeliveryRequested, StoreError> {
    let id = stream.to_string();
    let sql = "SELECT f.seq, f.redelivery_requested_at IS NOT NULL FROM failures f JOIN streams s USING (stream_id)
               WHERE f.stream_id = ?1 AND f.event_id = ?2 AND s.tenant_id = ?3";
    let found: Option<(Seq, bool)> = writing
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_row(params![id, event.to_string(), tenant.0], |row| Ok((seq_of(row, 0)?, row.get(1)?)))
                .optional()
        })
        .map_err(unavailable("read a failed delivery"))?;
    let seq = match found {
        None => return Ok(RedeliveryRequested::NotFound),
        Some((_, true)) => return Ok(RedeliveryRequested::AlreadyWaiting),
        Some((seq, false)) => seq,
    };
    let Some(attempts) = attempts_with(writing.connection, &id, seq, &[Attempt::retrying(now)])? else {
        return Ok(RedeliveryRequested::NotFound);
    };
    let sql = "UPDATE failures SET redelivery_requested_at = ?3, attempts = ?4 WHERE stream_id = ?1 AND seq = ?2";
    run(writing.connection, sql, params![id, seq_value(seq), now.as_millis(), attempts])?;
    writing.redelivery_requested();
    Ok(RedeliveryRequested::Accepted)
}

pub(super) fn redeliveries_waiting(
    connection: &Connection,
    stream: StreamId,
    after: Seq,
    take: u32,
) -> Result<Vec<Redelivery>, StoreError> {
    let sql = "SELECT f.seq, l.subject FROM failures f JOIN log l ON l.seq = f.seq
               WHERE f.stream_id = ?1 AND f.seq > ?2 AND f.redelivery_requested_at IS NOT NULL
               ORDER BY f.seq LIMIT ?3";
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_map(params![stream.to_string(), seq_value(after), take], |row| {
                    let subject = Subject::from_text(text_of(row, 1)?).fingerprint();
                    Ok(Redelivery { seq: seq_of(row, 0)?, subject })
                })?
                .collect()
        })
        .map_err(unavailable("read redeliveries"))
}

pub(super) fn redelivery_streams(connection: &Connection) -> Result<Vec<StreamId>, StoreError> {
    let sql = "SELECT DISTINCT stream_id FROM failures WHERE redelivery_requested_at IS NOT NULL";
    let ids: Vec<String> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(unavailable("read redeliveries"))?;
    Ok(ids.iter().filter_map(|id| StreamId::parse(id).ok()).collect())
}
