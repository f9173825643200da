//! What is counted by the minute: a row for a stream, or a tenant, and a minute in which anything was, never one for a
//! delivery. Old ones are summed up in [`super::count_widths`].

use std::time::Duration;

use domain::clock::Timestamp;
use domain::delivery::{Cycles, LoggedCount};
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::rows::{Place, json, query, run, seq_value, text_of, to_json, unavailable};
use crate::{CountedCycles, CountedEvents, Flow, Queue, QueueSample, StoreError, Stretches};

pub(super) const MINUTE_MS: i64 = 60_000;

/// Whose counts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Owner {
    Stream(String),
    Tenant(TenantId),
}

/// What was counted in a stretch of time, of a stream or a tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts {
    /// Of a tenant only.
    pub(super) raised: u64,
    pub(super) cycles: Cycles,
    /// Of a stream only.
    pub(super) queue: Option<Queue>,
}

impl Counts {
    fn is_empty(&self) -> bool {
        self.raised == 0 && self.cycles.is_empty() && self.queue.is_none()
    }

    /// Adds what was counted later.
    pub(super) fn add(&mut self, later: &Self) {
        self.raised += later.raised;
        self.cycles.add(&later.cycles);
        self.queue = match (self.queue, later.queue) {
            (Some(earlier), Some(later)) => Some(Queue { lag: earlier.lag.max(later.lag), ..later }),
            (earlier, later) => later.or(earlier),
        };
    }
}

impl Owner {
    const fn table(&self) -> Table {
        match self {
            Self::Stream(_) => Table::STREAMS,
            Self::Tenant(_) => Table::TENANTS,
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Stream(id) => id.clone().into(),
            Self::Tenant(tenant) => tenant.0.into(),
        }
    }
}

/// A table of counts. Both are read by the same columns.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) owner: &'static str,
    pub(super) columns: &'static str,
}

impl Table {
    pub(super) const STREAMS: Self = Self {
        name: "delivery_counts",
        owner: "stream_id",
        columns: "start, delivered, failed, durations, attempts_failed, lag_ms, behind, waiting, 0",
    };
    pub(super) const TENANTS: Self = Self {
        name: "tenant_counts",
        owner: "tenant_id",
        columns: "start, delivered, failed, durations, attempts_failed, NULL, NULL, NULL, raised",
    };
}

/// Reads the columns of a [`Table`], which begin at the first of the row.
pub(super) fn counts_of(row: &Row<'_>) -> rusqlite::Result<Result<(Timestamp, Counts), StoreError>> {
    let start: i64 = row.get(0)?;
    let (delivered, failed) = (row.get(1)?, row.get(2)?);
    let (durations, attempts_failed) = (text_of(row, 3)?, text_of(row, 4)?);
    let lag: Option<u64> = row.get(5)?;
    let (behind, waiting): (Option<u64>, Option<u64>) = (row.get(6)?, row.get(7)?);
    let raised = row.get(8)?;
    let place = |column| Place { table: "delivery_counts", column, row: &start };
    let read = || {
        let cycles = Cycles {
            delivered,
            failed,
            durations: json(durations, place("durations"))?,
            attempts_failed: json(attempts_failed, place("attempts_failed"))?,
        };
        let queue = lag.zip(behind.zip(waiting)).map(|(lag, (behind, waiting))| Queue {
            lag: Duration::from_millis(lag),
            behind,
            waiting,
        });
        Ok((Timestamp::from_millis(start), Counts { raised, cycles, queue }))
    };
    Ok(read())
}

/// Adds to what was counted of `owner` in the stretch of `width` that begins at `start`.
pub(super) fn add(
    connection: &Connection,
    owner: &Owner,
    width: i64,
    start: i64,
    counts: &Counts,
) -> Result<(), StoreError> {
    if counts.is_empty() {
        return Ok(());
    }
    let Table { name, owner: column, columns } = owner.table();
    let sql = format!("SELECT {columns} FROM {name} WHERE {column} = ?1 AND width = ?2 AND start = ?3");
    let stored = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row(params![owner.value(), width, start], counts_of).optional())
        .map_err(unavailable("read its counts"))?;
    let mut sum = stored.transpose()?.map(|(_, stored)| stored).unwrap_or_default();
    sum.add(counts);
    let Counts { raised, cycles, queue } = sum;
    let (durations, attempts) = (to_json(&cycles.durations), to_json(&cycles.attempts_failed));
    let (delivered, failed) = (cycles.delivered, cycles.failed);
    match owner {
        Owner::Stream(id) => {
            let sql = "INSERT OR REPLACE INTO delivery_counts
                 (stream_id, width, start, delivered, failed, durations, attempts_failed, lag_ms, behind, waiting)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
            let lag = queue.map(|queue| i64::try_from(queue.lag.as_millis()).unwrap_or(i64::MAX));
            let (behind, waiting) = (queue.map(|queue| queue.behind), queue.map(|queue| queue.waiting));
            run(
                connection,
                sql,
                params![id, width, start, delivered, failed, durations, attempts, lag, behind, waiting],
            )?;
        }
        Owner::Tenant(tenant) => {
            let sql = "INSERT OR REPLACE INTO tenant_counts
                 (tenant_id, width, start, raised, delivered, failed, durations, attempts_failed)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            run(connection, sql, params![tenant.0, width, start, raised, delivered, failed, durations, attempts])?;
        }
    }
    Ok(())
}

/// Adds to the minute that `now` is in.
pub(super) fn add_now(
    connection: &Connection,
    owner: &Owner,
    now: Timestamp,
    counts: &Counts,
) -> Result<(), StoreError> {
    add(connection, owner, MINUTE_MS, now.as_millis().div_euclid(MINUTE_MS) * MINUTE_MS, counts)
}

/// What a stream has before it, as a checkpoint saw it.
pub(super) fn queue(connection: &Connection, sample: QueueSample, now: Timestamp) -> Result<Queue, StoreError> {
    let raised_at = if sample.behind > 0 { super::places::time_from(connection, sample.cursor)? } else { None };
    let lag = raised_at.map(|raised_at| now.since(raised_at)).unwrap_or_default();
    Ok(Queue { lag, behind: sample.behind, waiting: sample.waiting })
}

/// Adds the events that were handed out up to `head`, which a checkpoint counts with its deliveries.
pub(super) fn logged_add(connection: &Connection, logged: &[LoggedCount], head: Seq) -> Result<(), StoreError> {
    for LoggedCount { tenant, minute, events } in logged {
        let counts = Counts { raised: *events, ..Counts::default() };
        add(connection, &Owner::Tenant(*tenant), MINUTE_MS, minute.as_millis(), &counts)?;
    }
    if !logged.is_empty() {
        run(connection, "UPDATE head SET counted = max(counted, ?1)", params![seq_value(head)])?;
    }
    Ok(())
}

/// What a former process has logged and not counted.
pub(super) fn rest(connection: &Connection, until: Seq) -> Result<Vec<LoggedCount>, StoreError> {
    let sql = "SELECT tenant_id, time / ?2, count(*) FROM log
               WHERE seq >= (SELECT counted FROM head) AND seq < ?1 AND only_stream IS NULL GROUP BY 1, 2";
    query(connection, sql, params![seq_value(until), MINUTE_MS], |row| {
        let minute = Timestamp::from_millis(row.get::<_, i64>(1)? * MINUTE_MS);
        Ok(Ok(LoggedCount { tenant: TenantId(row.get(0)?), minute, events: row.get(2)? }))
    })
}

const IN_STRETCH: &str = "width IN (60000, 3600000, 86400000) AND start >= ?2 AND start < ?3";

/// What was counted of `owner`, by stretches.
fn summed(connection: &Connection, owner: &Owner, within: Stretches) -> Result<Vec<(Timestamp, Counts)>, StoreError> {
    let Table { name, owner: column, columns } = owner.table();
    let sql = format!("SELECT {columns} FROM {name} WHERE {column} = ?1 AND {IN_STRETCH} ORDER BY start");
    let values = params![owner.value(), within.from.as_millis(), within.until.as_millis()];
    let mut sums: Vec<(Timestamp, Counts)> = Vec::new();
    for (start, counts) in query(connection, &sql, values, counts_of)? {
        let start = within.start_of(start);
        match sums.last_mut().filter(|sum| sum.0 == start) {
            Some((_, sum)) => sum.add(&counts),
            None => sums.push((start, counts)),
        }
    }
    Ok(sums)
}

/// What was counted of a stream.
pub(super) fn of_stream(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    within: Stretches,
) -> Result<Vec<CountedCycles>, StoreError> {
    if !is_of(connection, tenant, stream)? {
        return Ok(Vec::new());
    }
    let sums = summed(connection, &Owner::Stream(stream.to_string()), within)?;
    let counted = |(start, Counts { cycles, queue, .. })| CountedCycles { start, cycles, queue };
    Ok(sums.into_iter().map(counted).collect())
}

/// What was counted of a tenant.
pub(super) fn of_tenant(
    connection: &Connection,
    tenant: TenantId,
    within: Stretches,
) -> Result<Vec<CountedEvents>, StoreError> {
    let sums = summed(connection, &Owner::Tenant(tenant), within)?;
    let counted = |(start, Counts { raised, cycles, .. })| CountedEvents { start, raised, cycles };
    Ok(sums.into_iter().map(counted).collect())
}

/// What was counted of streams, summed up by the database.
pub(super) fn flows(
    connection: &Connection,
    tenant: TenantId,
    streams: &[StreamId],
    within: Stretches,
) -> Result<Vec<Vec<Flow>>, StoreError> {
    let sql = format!(
        "SELECT start / ?4, sum(delivered), sum(failed) FROM delivery_counts
         WHERE stream_id = ?1 AND {IN_STRETCH} GROUP BY 1 ORDER BY 1"
    );
    let width = i64::from(within.width_ms);
    let mut flows = Vec::with_capacity(streams.len());
    for stream in streams {
        if !is_of(connection, tenant, *stream)? {
            flows.push(Vec::new());
            continue;
        }
        let values = [
            Value::from(stream.to_string()),
            within.from.as_millis().into(),
            within.until.as_millis().into(),
            width.into(),
        ];
        flows.push(query(connection, &sql, params_from_iter(values), |row| {
            let start = Timestamp::from_millis(row.get::<_, i64>(0)? * width);
            Ok(Ok(Flow { start, delivered: row.get(1)?, failed: row.get(2)? }))
        })?);
    }
    Ok(flows)
}

fn is_of(connection: &Connection, tenant: TenantId, stream: StreamId) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM streams WHERE stream_id = ?1 AND tenant_id = ?2")
        .and_then(|mut statement| statement.exists(params![stream.to_string(), tenant.0]))
        .map_err(unavailable("read a stream"))
}

impl Stretches {
    /// When the stretch begins that an instant is in.
    fn start_of(&self, at: Timestamp) -> Timestamp {
        let width = i64::from(self.width_ms);
        Timestamp::from_millis(at.as_millis().div_euclid(width) * width)
    }
}
