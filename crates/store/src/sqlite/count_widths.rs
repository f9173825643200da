//! Keeping counts few: minutes that are old are summed up into hours, hours into days, and days are forgotten.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::delivery::DisableReason;
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use domain::stream::StreamStatus;
use rusqlite::{Connection, params};

use super::SqliteStore;
use super::delivery_counts::{self, MINUTE_MS, Owner, Table};
use super::rows::{Place, query, run, text_of, unavailable};
use super::writer::Writing;
use crate::{
    CountedCycles, CountedEvents, CountsKept, Flow, Statistics, StatisticsUpkeep, StatusSince, StoreError, Stretches,
};

const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

#[async_trait]
impl Statistics for SqliteStore {
    async fn cycles_counted(
        &self,
        tenant: TenantId,
        stream: StreamId,
        stretches: Stretches,
    ) -> Result<Vec<CountedCycles>, StoreError> {
        self.readers.read(move |connection| delivery_counts::of_stream(connection, tenant, stream, stretches)).await
    }

    async fn events_counted(&self, tenant: TenantId, stretches: Stretches) -> Result<Vec<CountedEvents>, StoreError> {
        self.readers.read(move |connection| delivery_counts::of_tenant(connection, tenant, stretches)).await
    }

    async fn flows_counted(
        &self,
        tenant: TenantId,
        streams: Vec<StreamId>,
        stretches: Stretches,
    ) -> Result<Vec<Vec<Flow>>, StoreError> {
        self.readers.read(move |connection| delivery_counts::flows(connection, tenant, &streams, stretches)).await
    }

    async fn statuses_since(
        &self,
        tenant: TenantId,
        stream: StreamId,
        from: Timestamp,
    ) -> Result<Vec<StatusSince>, StoreError> {
        self.readers.read(move |connection| statuses(connection, tenant, stream, from)).await
    }
}

#[async_trait]
impl StatisticsUpkeep for SqliteStore {
    async fn events_count_rest(&self, until: Seq) -> Result<(), StoreError> {
        // Looking takes its time, which the writer has not.
        let rest = self.readers.read(move |connection| delivery_counts::rest(connection, until)).await?;
        self.writer.write(move |writing| delivery_counts::logged_add(writing.connection, &rest, until)).await
    }

    async fn counts_compact(&self, now: Timestamp, kept: CountsKept, most: u32) -> Result<bool, StoreError> {
        let due = Due::at(now, kept);
        // Looking takes no turn of the writer.
        if !self.readers.read(move |connection| due.is_any(connection)).await? {
            return Ok(false);
        }
        self.writer.write(move |writing| due.compact(writing, most)).await
    }
}

/// Counts that begin before these are too old to stay as fine as they are.
#[derive(Clone, Copy)]
struct Due {
    minutes: i64,
    hours: i64,
    days: i64,
}

impl Due {
    /// Stretches go as a whole into the wider one that they are in.
    fn at(now: Timestamp, kept: CountsKept) -> Self {
        let whole = |kept, width: i64| now.minus(kept).as_millis().div_euclid(width) * width;
        Self {
            minutes: whole(kept.by_minute, HOUR_MS),
            hours: whole(kept.by_hour, DAY_MS),
            days: now.minus(kept.at_all).as_millis(),
        }
    }

    fn is_any(&self, connection: &Connection) -> Result<bool, StoreError> {
        for Table { name, .. } in [Table::STREAMS, Table::TENANTS] {
            let sql = format!(
                "SELECT 1 FROM {name} WHERE (width = ?1 AND start < ?2) OR (width = ?3 AND start < ?4)
                   OR (width = ?5 AND start < ?6) LIMIT 1"
            );
            let values = params![MINUTE_MS, self.minutes, HOUR_MS, self.hours, DAY_MS, self.days];
            let found = connection.prepare_cached(&sql).and_then(|mut statement| statement.exists(values));
            if found.map_err(unavailable("read its counts"))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True if there may be more.
    fn compact(&self, writing: &mut Writing<'_>, most: u32) -> Result<bool, StoreError> {
        let connection = writing.connection;
        let mut left = most;
        for table in [Table::STREAMS, Table::TENANTS] {
            left -= forget(connection, table, self.days, left)?;
            left -= sum_up(connection, table, (MINUTE_MS, HOUR_MS), self.minutes, left)?;
            left -= sum_up(connection, table, (HOUR_MS, DAY_MS), self.hours, left)?;
        }
        statuses_forget(connection, self.days)?;
        Ok(left == 0)
    }
}

/// Forgets at most `most` days.
fn forget(connection: &Connection, table: Table, before: i64, most: u32) -> Result<u32, StoreError> {
    let Table { name, owner, .. } = table;
    let sql = format!(
        "DELETE FROM {name} WHERE width = ?1 AND ({owner}, start) IN
           (SELECT {owner}, start FROM {name} WHERE width = ?1 AND start < ?2 ORDER BY start LIMIT ?3)"
    );
    let forgotten = run(connection, &sql, params![DAY_MS, before, most])?;
    Ok(u32::try_from(forgotten).unwrap_or(most).min(most))
}

/// Sums up at most `most` stretches.
fn sum_up(
    connection: &Connection,
    table: Table,
    (width, wider): (i64, i64),
    before: i64,
    most: u32,
) -> Result<u32, StoreError> {
    let Table { name, owner, columns } = table;
    let sql = format!("SELECT {columns}, {owner} FROM {name} WHERE width = ?1 AND start < ?2 ORDER BY start LIMIT ?3");
    let old = query(connection, &sql, params![width, before, most], |row| {
        let owner = match table.owner {
            "tenant_id" => Owner::Tenant(TenantId(row.get(9)?)),
            _ => Owner::Stream(row.get(9)?),
        };
        Ok(delivery_counts::counts_of(row)?.map(|(start, counts)| (owner, start.as_millis(), counts)))
    })?;
    let sql = format!("DELETE FROM {name} WHERE {owner} = ?1 AND width = ?2 AND start = ?3");
    for (owner, start, counts) in &old {
        delivery_counts::add(connection, owner, wider, start.div_euclid(wider) * wider, counts)?;
        run(connection, &sql, params![owner.value(), width, start])?;
    }
    Ok(u32::try_from(old.len()).unwrap_or(most))
}

fn statuses(
    connection: &Connection,
    tenant: TenantId,
    stream: StreamId,
    from: Timestamp,
) -> Result<Vec<StatusSince>, StoreError> {
    let sql = "SELECT x.since, x.status, x.reason FROM stream_statuses x JOIN streams s USING (stream_id)
               WHERE x.stream_id = ?1 AND s.tenant_id = ?2 AND x.since >= coalesce(
                 (SELECT max(since) FROM stream_statuses WHERE stream_id = ?1 AND since <= ?3), ?3) ORDER BY x.since";
    query(connection, sql, params![stream.to_string(), tenant.0, from.as_millis()], |row| {
        let since: i64 = row.get(0)?;
        let place = Place { table: "stream_statuses", column: "status", row: &since };
        let reason = row.get_ref(2)?.as_str_or_null()?.and_then(DisableReason::from_name);
        let status = StreamStatus::from_name(text_of(row, 1)?).ok_or_else(|| place.corrupt());
        Ok(status.map(|status| StatusSince { since: Timestamp::from_millis(since), status, reason }))
    })
}

/// Forgets when streams got a status that has been another's for as long as counts are kept.
fn statuses_forget(connection: &Connection, before: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM stream_statuses WHERE since < ?1 AND EXISTS (SELECT 1 FROM stream_statuses later
                 WHERE later.stream_id = stream_statuses.stream_id AND later.since > stream_statuses.since
                   AND later.since <= ?1)";
    run(connection, sql, params![before]).map(|_| ())
}
