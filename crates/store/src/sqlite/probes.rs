//! Probing streams that were disabled because they kept failing. A probe is a redelivery job of one event.

use std::sync::Arc;

use async_trait::async_trait;
use domain::change::{Revision, Versioned};
use domain::clock::Timestamp;
use domain::event::Seq;
use domain::ids::{EventId, JobId, StreamId, TenantId};
use domain::place::Resume;
use domain::redelivery::{DeliveryFilter, JobStart, STARTED_BY_SERVER};
use domain::stream::StreamStatus;
use rusqlite::{Connection, params};

use super::rows::{Place, query, text_of};
use super::writer::Writing;
use super::{SqliteStore, cursors, failures, jobs, places, streams};
use crate::{Keyring, ProbeStanding, ProbedStream, Probes, RedeliveryRequested, StoreError};

/// Positions looked at to find an event that a stream has missed.
const LOOKED_AT_MAX: u32 = 100_000;

/// The condition on a stream that is to be probed; the option is where `stream_options.rs` stores it.
const PROBED: &str = "status = 'disabled' AND disabled_reason IS NOT NULL AND options ->> '$.recover' = 'probe'";

#[async_trait]
impl Probes for SqliteStore {
    async fn streams_probed(&self) -> Result<Vec<ProbedStream>, StoreError> {
        self.readers.read(streams_probed).await
    }

    async fn probe_begin(&self, probed: ProbedStream, now: Timestamp) -> Result<Option<JobId>, StoreError> {
        // Looking takes its time, which the writer has not.
        let (keyring, end) = (Arc::clone(&self.keyring), self.heads.borrow().log);
        let look = move |connection: &Connection| not_failed(connection, &keyring, probed, end);
        let not_failed = self.readers.read(look).await?;
        self.writer.write(move |writing| probe_begin(writing, probed, not_failed, now)).await
    }

    async fn probe_standing(&self, job: JobId) -> Result<ProbeStanding, StoreError> {
        self.readers.read(move |connection| probe_standing(connection, job)).await
    }

    async fn stream_recover(
        &self,
        probed: ProbedStream,
        failures_outstanding_max: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let recover = move |writing: &mut Writing<'_>| stream_recover(writing, probed, failures_outstanding_max, now);
        match self.writer.write(recover).await {
            // Its action is not there any more: it stays as it is until its owner has seen to that.
            Err(StoreError::Conflict(_)) => Ok(false),
            recovered => recovered,
        }
    }
}

fn streams_probed(connection: &Connection) -> Result<Vec<ProbedStream>, StoreError> {
    let sql = format!("SELECT stream_id, revision FROM streams WHERE {PROBED} ORDER BY stream_id");
    query(connection, &sql, [], |row| {
        let id = text_of(row, 0)?;
        let revision = Revision(row.get(1)?);
        let place = Place { table: "streams", column: "stream_id", row: &id };
        Ok(StreamId::parse(id).map(|stream| ProbedStream { stream, revision }).map_err(|_| place.corrupt()))
    })
}

/// Whose a stream is, as long as it is to be probed and nobody has changed it.
fn tenant_of(connection: &Connection, probed: ProbedStream) -> Result<Option<TenantId>, StoreError> {
    let sql = format!("SELECT tenant_id FROM streams WHERE stream_id = ?1 AND revision = ?2 AND {PROBED}");
    let values = params![probed.stream.to_string(), probed.revision.0];
    Ok(query(connection, &sql, values, |row| Ok(Ok(TenantId(row.get(0)?))))?.pop())
}

/// What there is to try with where no delivery has failed: an event that is open, or the first one that was missed.
fn not_failed(
    connection: &Connection,
    keyring: &Keyring,
    probed: ProbedStream,
    end: Seq,
) -> Result<Option<Seq>, StoreError> {
    let stream = probed.stream;
    let Some(tenant) = tenant_of(connection, probed)? else { return Ok(None) };
    if failures::failure_count(connection, tenant, stream)? > 0 {
        return Ok(None);
    }
    let oldest = places::oldest(connection, end)?;
    let open = cursors::position(connection, stream)?.map(|position| position.open).unwrap_or_default();
    if let Some(first) = open.into_iter().find(|seq| *seq >= oldest) {
        return Ok(Some(first));
    }
    let Some(state) = streams::state(connection, keyring, tenant, stream)? else { return Ok(None) };
    let Some(missed_from) = state.spans.missed_from() else { return Ok(None) };
    let wanted = places::Wanted { tenant, stream, types: state.stream.event_types() };
    let (mut first, mut left) = (None, LOOKED_AT_MAX);
    wanted.scan(connection, &DeliveryFilter::default(), missed_from.max(oldest), end, &mut left, |seq| {
        first = Some(seq);
        Ok(false)
    })?;
    Ok(first)
}

fn probe_begin(
    writing: &mut Writing<'_>,
    probed: ProbedStream,
    not_failed: Option<Seq>,
    now: Timestamp,
) -> Result<Option<JobId>, StoreError> {
    let stream = probed.stream;
    let Some(tenant) = tenant_of(writing.connection, probed)? else { return Ok(None) };
    if let Some(under_way) = under_way(writing.connection, stream)? {
        return Ok(Some(under_way));
    }
    let start = JobStart::of_server(now, writing.entropy);
    let job = start.id;
    match (newest_failed(writing.connection, stream)?, not_failed) {
        (Some(event), _) => {
            let requested = jobs::single_begin(writing, tenant, stream, event, start)?;
            Ok((requested == RedeliveryRequested::Accepted).then_some(job))
        }
        (None, Some(seq)) => {
            jobs::single_out_of_turn(writing, tenant, stream, seq, start)?;
            Ok(Some(job))
        }
        (None, None) => Ok(None),
    }
}

/// The job of a probe that has not come to its end.
fn under_way(connection: &Connection, stream: StreamId) -> Result<Option<JobId>, StoreError> {
    let sql = "SELECT job_id FROM redelivery_jobs WHERE stream_id = ?1 AND started_by = ?2 AND ended_at IS NULL
               ORDER BY job_id LIMIT 1";
    let found = query(connection, sql, params![stream.to_string(), STARTED_BY_SERVER], |row| {
        let id = text_of(row, 0)?;
        let place = Place { table: "redelivery_jobs", column: "job_id", row: &id };
        Ok(JobId::parse(id).map_err(|_| place.corrupt()))
    });
    Ok(found?.pop())
}

/// The newest failed delivery that nobody has redelivered already.
fn newest_failed(connection: &Connection, stream: StreamId) -> Result<Option<EventId>, StoreError> {
    let sql = "SELECT event_id FROM failures WHERE stream_id = ?1 AND redelivery_requested_at IS NULL
               ORDER BY seq DESC LIMIT 1";
    let found = query(connection, sql, params![stream.to_string()], |row| {
        let id = text_of(row, 0)?;
        let place = Place { table: "failures", column: "event_id", row: &id };
        Ok(EventId::parse(id).map_err(|_| place.corrupt()))
    });
    Ok(found?.pop())
}

fn probe_standing(connection: &Connection, job: JobId) -> Result<ProbeStanding, StoreError> {
    let Some(stored) = jobs::by_id(connection, job)? else { return Ok(ProbeStanding::NotDelivered) };
    Ok(match stored.job {
        job if job.redelivered > 0 => ProbeStanding::Delivered,
        job if job.status.has_ended() => ProbeStanding::NotDelivered,
        _ => ProbeStanding::UnderWay,
    })
}

fn stream_recover(
    writing: &mut Writing<'_>,
    probed: ProbedStream,
    failures_outstanding_max: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(tenant) = tenant_of(writing.connection, probed)? else { return Ok(false) };
    if failures::failure_count(writing.connection, tenant, probed.stream)? >= u64::from(failures_outstanding_max) {
        return Ok(false);
    }
    let found = streams::stream_get(writing.connection, writing.keyring, tenant, probed.stream)?;
    let Some(Versioned { revision, value: mut stream }) = found else { return Ok(false) };
    stream.status = StreamStatus::Enabled;
    stream.updated_at = now;
    streams::stream_resume(writing, tenant, revision, &stream, Resume::Position)?;
    tracing::info!(stream = %probed.stream, "a stream was enabled again because its receiver has taken a probe");
    Ok(true)
}
