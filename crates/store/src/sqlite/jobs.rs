//! Redelivery jobs: what somebody asked to deliver again, marked in small steps to be delivered beside the log.
//!
//! A job goes over the failed deliveries of its stream, or over stretches of the log that it has missed, in order, and
//! marks what is meant: a failed delivery in its row, a missed event in a row of `out_of_turn`. It is never far ahead of
//! what has been delivered, so it costs little, goes on after a restart, and can be paused. A checkpoint that says what
//! has come of a delivery counts it for its job.

use domain::catalog::EventTypes;
use domain::clock::Timestamp;
use domain::event::Seq;
use domain::ids::{ClientId, EventId, JobId, StreamId, TenantId};
use domain::redelivery::{DeliveryFilter, JobKind, JobStart, JobStatus, RedeliveryJob};
use rusqlite::{Connection, Row, params};

use super::rows::{Place, event_type, json, query, run, seq_of, seq_value, text_of, to_json, unavailable};
use super::writer::Writing;
use super::{cursors, failures, out_of_turn, places, streams};
use crate::{Counted, JobChanged, JobDue, JobRequested, Keyring, MissedRange, NewJob, StoreError};

/// Jobs of a stream that have not come to their end at once, single redeliveries apart.
const JOBS_AT_ONCE_MAX: u32 = 100;

/// Jobs that have ended and are remembered, of each stream.
const JOBS_ENDED_MAX: u32 = 1000;

/// What a new job marks at once; the rest is marked in steps.
const FIRST_STEP: u32 = 100;

/// Rows and positions looked at in one step: most may not be meant.
const LOOKED_AT_MAX: u32 = 2000;

/// Positions looked at to count what a job of missed events would deliver.
const COUNTED_MAX: u32 = 100_000;

/// Positions looked at to count what a stream has missed in a stretch.
const MISSED_COUNTED_MAX: u32 = 10_000;

/// A job with how far it has come.
pub(super) struct StoredJob {
    pub(super) job: RedeliveryJob,
    pub(super) tenant: TenantId,
    /// Stretches of the log, for a job of what was missed.
    ranges: Vec<(Seq, Seq)>,
    taken_over: bool,
    next: Seq,
    until: Seq,
    /// Everything has been looked at.
    looked_at: bool,
}

const COLUMNS: &str =
    "SELECT job_id, stream_id, tenant_id, status, started_by, created_at, ended_at, date_from, date_to,
  event_types, rate_per_s, ranges, taken_over, next_seq, until_seq, looked_at, total, redelivered, failed
  FROM redelivery_jobs";

fn stored_of(row: &Row<'_>) -> rusqlite::Result<Result<StoredJob, StoreError>> {
    let id: String = row.get(0)?;
    let (stream, status): (String, String) = (row.get(1)?, row.get(3)?);
    let (started_by, created_at): (String, i64) = (row.get(4)?, row.get(5)?);
    let time = |index| row.get::<_, Option<i64>>(index).map(|millis| millis.map(Timestamp::from_millis));
    let (ended_at, date_from, date_to) = (time(6)?, time(7)?, time(8)?);
    let (types, ranges): (Option<String>, Option<String>) = (row.get(9)?, row.get(11)?);
    let (tenant, rate_per_s, taken_over) = (TenantId(row.get(2)?), row.get(10)?, row.get(12)?);
    let (next, until, looked_at) = (seq_of(row, 13)?, seq_of(row, 14)?, row.get(15)?);
    let (total, redelivered, failed) = (row.get(16)?, row.get(17)?, row.get(18)?);
    let place = |column| Place { table: "redelivery_jobs", column, row: &id };
    let read = || {
        let start = JobStart {
            id: JobId::parse(&id).map_err(|_| place("job_id").corrupt())?,
            started_by: ClientId::from_text(started_by),
            at: Timestamp::from_millis(created_at),
        };
        let event_types = types.map(|types| read_types(&types, place("event_types"))).transpose()?;
        let job = RedeliveryJob {
            start,
            stream: StreamId::parse(&stream).map_err(|_| place("stream_id").corrupt())?,
            kind: if ranges.is_some() { JobKind::Missed } else { JobKind::Failed },
            filter: DeliveryFilter { date_from, date_to, event_types },
            rate_per_s,
            status: JobStatus::from_name(&status).ok_or_else(|| place("status").corrupt())?,
            total,
            redelivered,
            failed,
            ended_at,
        };
        let ranges: Vec<(u64, u64)> =
            ranges.map(|ranges| json(&ranges, place("ranges"))).transpose()?.unwrap_or_default();
        let ranges = ranges.into_iter().map(|(from, until)| (Seq(from), Seq(until))).collect();
        Ok(StoredJob { job, tenant, ranges, taken_over, next, until, looked_at })
    };
    Ok(read())
}

fn read_types(types: &str, place: Place<'_>) -> Result<EventTypes, StoreError> {
    let names: Vec<String> = json(types, place)?;
    names.iter().map(|name| event_type(name, place)).collect()
}

/// The names of the types that are wanted, as a list; `None` if all are.
pub(super) fn types_text(filter: &DeliveryFilter) -> Option<String> {
    filter.event_types.as_ref().map(|types| to_json(&types.iter().map(|each| each.stored()).collect::<Vec<_>>()))
}

pub(super) fn job_get(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    id: JobId,
) -> Result<Option<StoredJob>, StoreError> {
    let sql = format!("{COLUMNS} WHERE job_id = ?1 AND stream_id = ?2 AND tenant_id = ?3");
    let values = params![id.to_string(), stream.to_string(), tenant.0];
    Ok(query(connection, &sql, values, stored_of)?.pop())
}

pub(super) fn job_page(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    after: Option<JobId>,
    take: u32,
) -> Result<Vec<RedeliveryJob>, StoreError> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let sql = format!("{COLUMNS} WHERE stream_id = ?1 AND job_id > ?2 AND tenant_id = ?3 ORDER BY job_id LIMIT ?4");
    let found = query(connection, &sql, params![stream.to_string(), after, tenant.0, take], stored_of)?;
    Ok(found.into_iter().map(|stored| stored.job).collect())
}

fn insert(writing: &Writing<'_>, stored: &StoredJob) -> Result<(), StoreError> {
    let StoredJob { job, tenant, ranges, taken_over, next, until, looked_at } = stored;
    let ranges: Vec<(u64, u64)> = ranges.iter().map(|(from, until)| (from.0, until.0)).collect();
    let ranges = (job.kind == JobKind::Missed).then(|| to_json(&ranges));
    let sql = "INSERT INTO redelivery_jobs VALUES
      (?1, ?2, ?3, 'running', ?4, ?5, NULL, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 0, 0)";
    let values = params![
        job.start.id.to_string(),
        job.stream.to_string(),
        tenant.0,
        job.start.started_by.as_str(),
        job.start.at.as_millis(),
        job.filter.date_from.map(Timestamp::as_millis),
        job.filter.date_to.map(Timestamp::as_millis),
        types_text(&job.filter),
        job.rate_per_s,
        ranges,
        taken_over,
        seq_value(*next),
        seq_value(*until),
        looked_at,
        job.total
    ];
    run(writing.connection, sql, values)?;
    let forget = "DELETE FROM redelivery_jobs WHERE stream_id = ?1 AND ended_at IS NOT NULL AND job_id <=
      (SELECT job_id FROM redelivery_jobs WHERE stream_id = ?1 AND ended_at IS NOT NULL
       ORDER BY job_id DESC LIMIT 1 OFFSET ?2)";
    run(writing.connection, forget, params![job.stream.to_string(), JOBS_ENDED_MAX]).map(|_| ())
}

fn new_job(tenant: TenantId, stream: StreamId, new: NewJob, until: Seq, total: Option<u64>) -> StoredJob {
    let NewJob { start, kind, filter, rate_per_s } = new;
    let (status, ended_at) = (JobStatus::Running, None);
    let job =
        RedeliveryJob { start, stream, kind, filter, rate_per_s, status, total, redelivered: 0, failed: 0, ended_at };
    StoredJob { job, tenant, ranges: Vec::new(), taken_over: false, next: Seq::ZERO, until, looked_at: false }
}

/// The job of one failed delivery: there is nothing more to look for.
pub(super) fn single_begin(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: StreamId,
    event: EventId,
    start: JobStart,
) -> Result<crate::RedeliveryRequested, StoreError> {
    use crate::RedeliveryRequested::{Accepted, AlreadyWaiting, NotFound};
    let (seq, waits) = match failures::failure_find(writing.connection, tenant, stream, event)? {
        None => return Ok(NotFound),
        Some(found) => found,
    };
    if waits {
        return Ok(AlreadyWaiting);
    }
    let at = start.at;
    let new = NewJob { start, kind: JobKind::Failed, filter: DeliveryFilter::default(), rate_per_s: None };
    let mut stored = new_job(tenant, stream, new, seq.next(), Some(1));
    (stored.next, stored.looked_at) = (seq.next(), true);
    insert(writing, &stored)?;
    failures::redelivery_mark(writing.connection, stream, seq, stored.job.start.id, at)?;
    writing.redelivery_requested();
    Ok(Accepted)
}

/// The job of one event that has not failed, delivered out of turn.
pub(super) fn single_out_of_turn(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: StreamId,
    seq: Seq,
    start: JobStart,
) -> Result<(), StoreError> {
    let id = start.id;
    let new = NewJob { start, kind: JobKind::Missed, filter: DeliveryFilter::default(), rate_per_s: None };
    let mut stored = new_job(tenant, stream, new, seq.next(), Some(1));
    (stored.ranges, stored.next, stored.looked_at) = (vec![(seq, seq.next())], seq.next(), true);
    insert(writing, &stored)?;
    out_of_turn::mark(writing.connection, stream, seq, Some(id))?;
    writing.redelivery_requested();
    Ok(())
}

pub(super) fn job_begin(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: StreamId,
    new: NewJob,
    total: Option<u64>,
) -> Result<JobRequested, StoreError> {
    let Some(state) = streams::state(writing.connection, writing.keyring, tenant, stream)? else {
        return Ok(JobRequested::NoStream);
    };
    let at_once: u32 = writing
        .connection
        .prepare_cached(
            "SELECT count(*) FROM redelivery_jobs WHERE stream_id = ?1 AND ended_at IS NULL AND looked_at = 0",
        )
        .and_then(|mut statement| statement.query_row(params![stream.to_string()], |row| row.get(0)))
        .map_err(unavailable("read redelivery jobs"))?;
    if at_once >= JOBS_AT_ONCE_MAX {
        return Ok(JobRequested::TooMany);
    }
    let (end, now) = (writing.log_end(), new.start.at);
    let mut stored = new_job(tenant, stream, new, end, total);
    if stored.job.kind == JobKind::Missed {
        let oldest = places::oldest(writing.connection, end)?;
        let mut spans = state.spans;
        let missed = spans.take_missed(end);
        let held = missed.into_iter().map(|(from, until)| (from.max(oldest), until));
        stored.ranges = held.filter(|(from, until)| from < until).collect();
        stored.next = stored.ranges.first().map_or(end, |(from, _)| *from);
        stored.taken_over = stored.job.filter.is_empty() && !stored.ranges.is_empty();
        if stored.taken_over {
            streams::spans_save(writing, stream, spans)?;
        }
    }
    insert(writing, &stored)?;
    let first = stored.job.rate_per_s.map_or(FIRST_STEP, |rate| rate.min(FIRST_STEP));
    let id = stored.job.start.id;
    step(writing, stored, first, now)?;
    let stored = by_id(writing.connection, id)?.ok_or_else(|| gone(id))?;
    Ok(JobRequested::Begun(Box::new(stored.job)))
}

fn gone(id: JobId) -> StoreError {
    Place { table: "redelivery_jobs", column: "job_id", row: &id }.corrupt()
}

/// A job, whoever's it is.
pub(super) fn by_id(connection: &Connection, id: JobId) -> Result<Option<StoredJob>, StoreError> {
    Ok(query(connection, &format!("{COLUMNS} WHERE job_id = ?1"), params![id.to_string()], stored_of)?.pop())
}

/// The running jobs that have not looked at everything, or whose last delivery has gone.
pub(super) fn jobs_due(connection: &Connection) -> Result<Vec<JobDue>, StoreError> {
    let sql = "SELECT job_id, rate_per_s, marked FROM (
        SELECT job_id, rate_per_s, looked_at, (SELECT count(*) FROM failures f WHERE f.job_id = j.job_id)
          + (SELECT count(*) FROM out_of_turn o WHERE o.job_id = j.job_id) AS marked
        FROM redelivery_jobs j WHERE status = 'running')
      WHERE looked_at = 0 OR marked = 0";
    query(connection, sql, [], |row| {
        let id = text_of(row, 0)?;
        let (rate_per_s, marked) = (row.get(1)?, row.get(2)?);
        let place = Place { table: "redelivery_jobs", column: "job_id", row: &id };
        Ok(JobId::parse(id).map(|id| JobDue { id, rate_per_s, marked }).map_err(|_| place.corrupt()))
    })
}

pub(super) fn job_step(writing: &mut Writing<'_>, id: JobId, most: u32, now: Timestamp) -> Result<u32, StoreError> {
    match by_id(writing.connection, id)?.filter(|stored| stored.job.status == JobStatus::Running) {
        Some(stored) => step(writing, stored, most, now),
        None => Ok(0),
    }
}

/// Marks the next `most` deliveries of a running job.
fn step(writing: &mut Writing<'_>, mut stored: StoredJob, most: u32, now: Timestamp) -> Result<u32, StoreError> {
    let mut marked = 0;
    if !stored.looked_at {
        marked = match stored.job.kind {
            JobKind::Failed => mark_failed(writing.connection, &mut stored, most)?,
            JobKind::Missed => mark_missed(writing, &mut stored, most)?,
        };
        let values = params![stored.job.start.id.to_string(), seq_value(stored.next), stored.looked_at];
        run(writing.connection, "UPDATE redelivery_jobs SET next_seq = ?2, looked_at = ?3 WHERE job_id = ?1", values)?;
    }
    if marked > 0 {
        writing.redelivery_requested();
    }
    complete(writing.connection, &stored.job.start.id.to_string(), now)?;
    Ok(marked)
}

fn mark_failed(connection: &Connection, stored: &mut StoredJob, most: u32) -> Result<u32, StoreError> {
    let job = &stored.job;
    let looked_at = failures::failures_from(connection, job.stream, stored.next, stored.until, LOOKED_AT_MAX)?;
    let is_end = looked_at.len() < LOOKED_AT_MAX as usize;
    let mut marked = 0;
    for failure in looked_at {
        if marked == most {
            return Ok(marked);
        }
        stored.next = failure.seq.next();
        if !failure.waits && job.filter.matches(failure.event_type, failure.event_time) {
            failures::redelivery_mark(connection, job.stream, failure.seq, job.start.id, job.start.at)?;
            marked += 1;
        }
    }
    stored.looked_at = is_end;
    Ok(marked)
}

fn mark_missed(writing: &Writing<'_>, stored: &mut StoredJob, most: u32) -> Result<u32, StoreError> {
    let connection = writing.connection;
    let job = stored.job.clone();
    let Some(state) = streams::state(connection, writing.keyring, stored.tenant, job.stream)? else { return Ok(0) };
    let wanted = places::Wanted { tenant: stored.tenant, stream: job.stream, types: state.stream.event_types() };
    let mut marked = 0;
    let mut left = LOOKED_AT_MAX;
    for (from, until) in stored.ranges.clone() {
        let at = stored.next.max(from);
        if at >= until {
            continue;
        }
        if marked == most || left == 0 {
            return Ok(marked);
        }
        stored.next = wanted.scan(connection, &job.filter, at, until, &mut left, |seq| {
            marked += out_of_turn::mark(connection, job.stream, seq, Some(job.start.id))?;
            Ok(marked < most)
        })?;
        if stored.next < until {
            return Ok(marked);
        }
    }
    stored.looked_at = true;
    Ok(marked)
}

/// Ends a job of which nothing is left.
fn complete(connection: &Connection, id: &str, now: Timestamp) -> Result<(), StoreError> {
    let sql =
        "UPDATE redelivery_jobs SET status = 'completed', ended_at = ?2, total = coalesce(total, redelivered + failed)
      WHERE job_id = ?1 AND status IN ('running', 'paused') AND looked_at
        AND NOT EXISTS (SELECT 1 FROM failures WHERE job_id = ?1)
        AND NOT EXISTS (SELECT 1 FROM out_of_turn WHERE job_id = ?1)";
    run(connection, sql, params![id, now.as_millis()]).map(|_| ())
}

/// What has come of a job's deliveries in one checkpoint.
#[derive(Default)]
pub(super) struct Ended {
    redelivered: u64,
    failed: u64,
}

/// What has come of several jobs' deliveries in one checkpoint.
#[derive(Default)]
pub(super) struct JobsEnded(std::collections::BTreeMap<String, Ended>);

impl JobsEnded {
    /// A delivery has ended that was made for `job`.
    pub(super) fn count(&mut self, job: Option<String>, redelivered: bool) {
        let Some(job) = job else { return };
        let ended = self.0.entry(job).or_default();
        ended.redelivered += u64::from(redelivered);
        ended.failed += u64::from(!redelivered);
    }

    /// Counts them for the jobs, and ends those of which nothing is left.
    pub(super) fn save(self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        for (id, Ended { redelivered, failed }) in self.0 {
            let sql =
                "UPDATE redelivery_jobs SET redelivered = redelivered + ?2, failed = failed + ?3 WHERE job_id = ?1";
            run(connection, sql, params![id, redelivered, failed])?;
            complete(connection, &id, now)?;
        }
        Ok(())
    }
}

pub(super) fn job_change(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: StreamId,
    id: JobId,
    status: JobStatus,
    now: Timestamp,
) -> Result<JobChanged, StoreError> {
    let Some(mut stored) = job_get(writing.connection, tenant, stream, id)? else { return Ok(JobChanged::NotFound) };
    let current = stored.job.status;
    if current != status {
        match status {
            _ if current.has_ended() => return Ok(JobChanged::HasEnded),
            JobStatus::Completed => return Ok(JobChanged::HasEnded),
            JobStatus::Running => writing.redelivery_requested(),
            JobStatus::Paused => writing.redelivery_withdrawn(),
            JobStatus::Canceled => {
                cancel(writing, &stored)?;
                stored.job.ended_at = Some(now);
            }
        }
        let sql = "UPDATE redelivery_jobs SET status = ?2, ended_at = ?3 WHERE job_id = ?1";
        let ended_at = stored.job.ended_at.map(Timestamp::as_millis);
        run(writing.connection, sql, params![id.to_string(), status.name(), ended_at])?;
        stored.job.status = status;
    }
    Ok(JobChanged::Changed(Box::new(stored.job)))
}

/// Takes back what a job has marked, and what it has taken over and not come to.
fn cancel(writing: &mut Writing<'_>, stored: &StoredJob) -> Result<(), StoreError> {
    let (connection, job) = (writing.connection, &stored.job);
    failures::redeliveries_unmark(connection, job.start.id)?;
    let first = out_of_turn::unmark(connection, job.start.id)?;
    writing.redelivery_withdrawn();
    if stored.taken_over
        && let Some(state) = streams::state(connection, writing.keyring, stored.tenant, job.stream)?
    {
        let left = first.unwrap_or(stored.next).min(stored.next);
        let mut spans = state.spans;
        let cursor = cursors::position(connection, job.stream)?.map_or(Seq::ZERO, |position| position.cursor());
        for (from, until) in &stored.ranges {
            spans.miss((*from).max(left), *until, cursor);
        }
        streams::spans_save(writing, job.stream, spans)?;
    }
    Ok(())
}

/// What a stream has missed and nobody has taken over.
pub(super) fn missed_ranges(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    stream: StreamId,
    end: Seq,
) -> Result<Vec<MissedRange>, StoreError> {
    let Some(state) = streams::state(connection, keyring, tenant, stream)? else { return Ok(Vec::new()) };
    let oldest = places::oldest(connection, end)?;
    let types = state.stream.event_types();
    let wanted = places::Wanted { tenant, stream, types };
    let mut ranges = Vec::new();
    for (from, until) in state.spans.missed() {
        let from = from.max(oldest);
        let events =
            wanted.count(connection, &DeliveryFilter::default(), from, until.unwrap_or(end), MISSED_COUNTED_MAX)?;
        if events.0 > 0 || events.1.is_some() {
            ranges.push(MissedRange { from, until, counted: Counted { events: events.0, is_all: events.1.is_none() } });
        }
    }
    Ok(ranges)
}

pub(super) fn job_count(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    stream: StreamId,
    kind: JobKind,
    filter: &DeliveryFilter,
    end: Seq,
) -> Result<Option<Counted>, StoreError> {
    let Some(state) = streams::state(connection, keyring, tenant, stream)? else { return Ok(None) };
    if kind == JobKind::Failed {
        let events = failures::failures_idle_count(connection, stream, filter)?;
        return Ok(Some(Counted { events, is_all: true }));
    }
    let wanted = places::Wanted { tenant, stream, types: state.stream.event_types() };
    let oldest = places::oldest(connection, end)?;
    let mut counted = Counted { events: 0, is_all: true };
    let mut left = COUNTED_MAX;
    let mut spans = state.spans;
    for (from, until) in spans.take_missed(end) {
        let from = from.max(oldest);
        let (events, below) = wanted.count(connection, filter, from, until, left)?;
        counted.events += events;
        left = left.saturating_sub(until.0.saturating_sub(from.0).try_into().unwrap_or(u32::MAX));
        counted.is_all &= below.is_none();
    }
    Ok(Some(counted))
}
