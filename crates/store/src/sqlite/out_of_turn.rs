//! Events that are to be delivered to a stream out of turn: missed ones, as far as a job has come with them, and test
//! events.

use domain::event::{Event, Seq};
use domain::ids::{JobId, StreamId, TenantId};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{run, seq_of, seq_value, unavailable};
use super::writer::Writing;
use crate::StoreError;

/// Has an event delivered; answers 1, or 0 if it is about to be already.
pub(super) fn mark(connection: &Connection, stream: StreamId, seq: Seq, job: Option<JobId>) -> Result<u32, StoreError> {
    let sql = "INSERT OR IGNORE INTO out_of_turn VALUES (?1, ?2, ?3)";
    let added = run(connection, sql, params![stream.to_string(), seq_value(seq), job.map(|id| id.to_string())])?;
    Ok(u32::try_from(added).unwrap_or(u32::MAX))
}

/// Nobody asks for the events of a job any more; answers the first one.
pub(super) fn unmark(connection: &Connection, job: JobId) -> Result<Option<Seq>, StoreError> {
    let first: Option<u64> = connection
        .prepare_cached("SELECT min(seq) FROM out_of_turn WHERE job_id = ?1")
        .and_then(|mut statement| statement.query_row(params![job.to_string()], |row| row.get(0)))
        .map_err(unavailable("read a redelivery job"))?;
    run(connection, "DELETE FROM out_of_turn WHERE job_id = ?1", params![job.to_string()])?;
    Ok(first.map(Seq))
}

/// The delivery of an event has ended; answers the job that it was made for.
pub(super) fn end(connection: &Connection, stream: &str, seq: Seq) -> Result<Option<String>, StoreError> {
    let sql = "DELETE FROM out_of_turn WHERE stream_id = ?1 AND seq = ?2 RETURNING job_id";
    let job: Option<Option<String>> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![stream, seq_value(seq)], |row| row.get(0)).optional())
        .map_err(unavailable("write to its database"))?;
    Ok(job.flatten())
}

pub(super) fn test_event_append(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: StreamId,
    event: Event,
) -> Result<(), StoreError> {
    let seq = writing.log_end();
    writing.append_for(stream, tenant, event)?;
    mark(writing.connection, stream, seq, None)?;
    writing.redelivery_requested();
    Ok(())
}

/// Those of the positions that nobody asks to deliver beside the log, or whose job is paused.
pub(super) fn withdrawn(connection: &Connection, stream: StreamId, seqs: &[Seq]) -> Result<Vec<Seq>, StoreError> {
    let sql = "SELECT seq FROM (
        SELECT seq, job_id FROM failures
        WHERE stream_id = ?1 AND seq = ?2 AND redelivery_requested_at IS NOT NULL
        UNION ALL SELECT seq, job_id FROM out_of_turn WHERE stream_id = ?1 AND seq = ?2) marked
      LEFT JOIN redelivery_jobs j USING (job_id) WHERE coalesce(j.status, 'running') = 'running'";
    let failed = unavailable("read redeliveries");
    let mut wanted = connection.prepare_cached(sql).map_err(&failed)?;
    let mut withdrawn = Vec::new();
    for seq in seqs {
        let values = params![stream.to_string(), seq_value(*seq)];
        if wanted.query_row(values, |row| seq_of(row, 0)).optional().map_err(&failed)?.is_none() {
            withdrawn.push(*seq);
        }
    }
    Ok(withdrawn)
}
