//! Failed deliveries and the requests to deliver them again.

use bytes::Bytes;
use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::delivery::{Attempt, Cause, Redelivery};
use domain::event::{Seq, Subject, time_in_body};
use domain::ids::{EventId, JobId, StreamId, TenantId};
use domain::redelivery::DeliveryFilter;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::jobs::types_text;
use super::rows::{Place, count, event_type, json, run, seq_of, seq_value, text_of, to_json, unavailable};
use crate::{FailedDelivery, StoreError};

/// Attempts kept of one delivery; beyond that the oldest are forgotten (management-api.md 3.8).
const ATTEMPTS_MAX: usize = 100;

pub(super) fn failure_record(
    connection: &Connection,
    stream: &str,
    seq: Seq,
    at: Timestamp,
    attempts: &[Attempt],
) -> Result<(), StoreError> {
    let unread = unavailable("read its log");
    let mut event = connection
        .prepare_cached("SELECT event_id, event_type, time, body FROM log WHERE seq = ?1")
        .map_err(&unread)?;
    let found = event.query_row(params![seq_value(seq)], |row| {
        let logged_at = Timestamp::from_millis(row.get(2)?);
        let time = time_in_body(row.get_ref(3)?.as_blob()?).unwrap_or(logged_at);
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, time))
    });
    let Some((event_id, event_type, time)) = found.optional().map_err(unread)? else { return Ok(()) };
    let kept = &attempts[attempts.len().saturating_sub(ATTEMPTS_MAX)..];
    let sql = "INSERT OR REPLACE INTO failures
        (stream_id, seq, event_id, failed_at, attempts, event_type, event_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let values =
        params![stream, seq_value(seq), event_id, at.as_millis(), to_json(&kept), event_type, time.as_millis()];
    run(connection, sql, values).map(|_| ())
}

/// Adds attempts to a failed delivery, and ends its redelivery if they are those of it; answers the job that it was made
/// for. A request that the attempts do not answer stands.
pub(super) fn failure_extend(
    connection: &Connection,
    stream: &str,
    seq: Seq,
    attempts: &[Attempt],
    redelivery: bool,
) -> Result<Option<String>, StoreError> {
    let Some(all) = attempts_with(connection, stream, seq, attempts)? else { return Ok(None) };
    let job = if redelivery { job_of(connection, stream, seq)? } else { None };
    let sql = "UPDATE failures SET attempts = ?3,
                 redelivery_requested_at = CASE WHEN ?4 THEN NULL ELSE redelivery_requested_at END,
                 job_id = CASE WHEN ?4 THEN NULL ELSE job_id END
               WHERE stream_id = ?1 AND seq = ?2";
    run(connection, sql, params![stream, seq_value(seq), all, redelivery])?;
    Ok(job)
}

fn job_of(connection: &Connection, stream: &str, seq: Seq) -> Result<Option<String>, StoreError> {
    let job: Option<Option<String>> = connection
        .prepare_cached("SELECT job_id FROM failures WHERE stream_id = ?1 AND seq = ?2")
        .and_then(|mut statement| statement.query_row(params![stream, seq_value(seq)], |row| row.get(0)).optional())
        .map_err(unavailable("read a failed delivery"))?;
    Ok(job.flatten())
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

/// A failed delivery has been made after all; answers the job that it was made for.
pub(super) fn failure_remove(connection: &Connection, stream: &str, seq: Seq) -> Result<Option<String>, StoreError> {
    let sql = "DELETE FROM failures WHERE stream_id = ?1 AND seq = ?2 RETURNING job_id";
    let job: Option<Option<String>> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![stream, seq_value(seq)], |row| row.get(0)).optional())
        .map_err(unavailable("write to its database"))?;
    Ok(job.flatten())
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

/// What of a filter SQL sees: `?1` is the stream, `?2` and `?3` the dates, `?4` the names of the types.
const MEANT: &str = "f.stream_id = ?1 AND (?2 IS NULL OR f.event_time >= ?2) AND (?3 IS NULL OR f.event_time < ?3)
  AND (?4 IS NULL OR f.event_type IN (SELECT value FROM json_each(?4)))";

/// At most `take` of those that are meant, at positions after `after`. They are found in an index.
pub(super) fn failure_page(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    filter: &DeliveryFilter,
    after: Seq,
    take: u32,
) -> Result<Vec<FailedDelivery>, StoreError> {
    let wanted = format!(
        "WHERE f.stream_id = ?1 AND l.tenant_id = ?5 AND f.seq IN
           (SELECT f.seq FROM failures f INDEXED BY failures_to_find WHERE {MEANT} AND f.seq > ?6 ORDER BY f.seq LIMIT ?7)
         ORDER BY f.seq"
    );
    let (from, to) = (filter.date_from.map(Timestamp::as_millis), filter.date_to.map(Timestamp::as_millis));
    let values = params![stream.to_string(), from, to, types_text(filter), tenant.0, seq_value(after), take];
    query(connection, &wanted, values)
}

/// How many of those that are meant do not wait for a redelivery.
pub(super) fn failures_idle_count(
    connection: &Connection,
    stream: StreamId,
    filter: &DeliveryFilter,
) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT count(*) FROM failures f INDEXED BY failures_to_find
         WHERE {MEANT} AND f.redelivery_requested_at IS NULL"
    );
    let (from, to) = (filter.date_from.map(Timestamp::as_millis), filter.date_to.map(Timestamp::as_millis));
    count(connection, &sql, params![stream.to_string(), from, to, types_text(filter)])
}

/// A failed delivery, as far as its index tells.
pub(super) struct FailureFound {
    pub(super) seq: Seq,
    pub(super) event_type: EventType,
    pub(super) event_time: Timestamp,
    /// It waits for a redelivery already.
    pub(super) waits: bool,
}

/// At most `take` failed deliveries at positions from `from` on and below `until`.
pub(super) fn failures_from(
    connection: &Connection,
    stream: StreamId,
    from: Seq,
    until: Seq,
    take: u32,
) -> Result<Vec<FailureFound>, StoreError> {
    let sql = "SELECT seq, event_type, event_time, redelivery_requested_at IS NOT NULL
               FROM failures INDEXED BY failures_to_find
               WHERE stream_id = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq LIMIT ?4";
    let values = params![stream.to_string(), seq_value(from), seq_value(until), take];
    super::rows::query(connection, sql, values, |row| {
        let seq = seq_of(row, 0)?;
        let place = Place { table: "failures", column: "event_type", row: &seq };
        let (event_time, waits) = (Timestamp::from_millis(row.get(2)?), row.get(3)?);
        let event_type = event_type(text_of(row, 1)?, place);
        Ok(event_type.map(|event_type| FailureFound { seq, event_type, event_time, waits }))
    })
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

/// The position of a failed delivery, and whether it waits for a redelivery.
pub(super) fn failure_find(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    event: EventId,
) -> Result<Option<(Seq, bool)>, StoreError> {
    let sql = "SELECT f.seq, f.redelivery_requested_at IS NOT NULL FROM failures f JOIN streams s USING (stream_id)
               WHERE f.stream_id = ?1 AND f.event_id = ?2 AND s.tenant_id = ?3";
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_row(params![stream.to_string(), event.to_string(), tenant.0], |row| {
                    Ok((seq_of(row, 0)?, row.get(1)?))
                })
                .optional()
        })
        .map_err(unavailable("read a failed delivery"))
}

/// A job asks for a failed delivery to be delivered again.
pub(super) fn redelivery_mark(
    connection: &Connection,
    stream: StreamId,
    seq: Seq,
    job: JobId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let id = stream.to_string();
    let Some(attempts) = attempts_with(connection, &id, seq, &[Attempt::retrying(at)])? else { return Ok(()) };
    let sql = "UPDATE failures SET redelivery_requested_at = ?3, attempts = ?4, job_id = ?5
               WHERE stream_id = ?1 AND seq = ?2";
    run(connection, sql, params![id, seq_value(seq), at.as_millis(), attempts, job.to_string()]).map(|_| ())
}

/// A job does not ask any more.
pub(super) fn redeliveries_unmark(connection: &Connection, job: JobId) -> Result<(), StoreError> {
    let sql = "UPDATE failures SET redelivery_requested_at = NULL, job_id = NULL WHERE job_id = ?1";
    run(connection, sql, params![job.to_string()]).map(|_| ())
}

/// What is to be delivered to a stream beside the log: redeliveries, and what is delivered out of turn. What a paused
/// job has marked is not.
pub(super) fn redeliveries_waiting(
    connection: &Connection,
    stream: StreamId,
    after: Seq,
    take: u32,
) -> Result<Vec<Redelivery>, StoreError> {
    let sql = "SELECT w.seq, l.subject, w.out_of_turn FROM (
        SELECT seq, job_id, 0 AS out_of_turn FROM failures
        WHERE stream_id = ?1 AND seq > ?2 AND redelivery_requested_at IS NOT NULL
        UNION ALL SELECT seq, job_id, 1 FROM out_of_turn WHERE stream_id = ?1 AND seq > ?2) w
      JOIN log l ON l.seq = w.seq LEFT JOIN redelivery_jobs j ON j.job_id = w.job_id
      WHERE coalesce(j.status, 'running') = 'running' ORDER BY w.seq LIMIT ?3";
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_map(params![stream.to_string(), seq_value(after), take], |row| {
                    let subject = Subject::from_text(text_of(row, 1)?).fingerprint();
                    let cause = if row.get(2)? { Cause::OutOfTurn } else { Cause::Failed };
                    Ok(Redelivery { seq: seq_of(row, 0)?, subject, cause })
                })?
                .collect()
        })
        .map_err(unavailable("read redeliveries"))
}

pub(super) fn redelivery_streams(connection: &Connection) -> Result<Vec<StreamId>, StoreError> {
    let sql = "SELECT DISTINCT stream_id FROM failures WHERE redelivery_requested_at IS NOT NULL
               UNION SELECT stream_id FROM out_of_turn";
    let ids: Vec<String> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(unavailable("read redeliveries"))?;
    Ok(ids.iter().filter_map(|id| StreamId::parse(id).ok()).collect())
}
