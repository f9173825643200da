//! Which published events the log holds: an event that is published twice is one event.
//!
//! A unique index over such keys would cost a random page of the disk for every event. Instead, as in a
//! log-structured merge tree of one level: the keys of the newest events are a set in the writer's memory.
//! Whenever the log has grown by [`RUN_POSITIONS`], the keys of that stretch are written as one sorted run. A
//! key is looked for in the set first; then the runs' filters, all in memory, say which runs may hold it,
//! and only those are read. After a restart the set is read from the log, which keeps each key with its event.
//!
//! Only the writer asks and adds, so what it sees is what will be committed. What is rolled back is
//! forgotten ([`Published::forget_from`]); a run is written only of what has been committed.

mod filters;
mod runs;

use std::collections::{HashSet, VecDeque};

use domain::event::Seq;
use domain::ids::TenantId;
use domain::publish::{PublishKey, PublishedEvent};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::rows::{Place, seq_of, seq_value, unavailable};
use super::writer::Writing;
use crate::StoreError;
use filters::Filters;
pub(super) use runs::key_bytes;

/// Positions of the log whose published keys make one run. A store is written with one value for good.
const RUN_POSITIONS: u64 = 65_536;

/// Appends the events that are not in the log yet, in order; answers how many those were.
pub(super) fn events_publish(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    events: Vec<PublishedEvent>,
) -> Result<usize, StoreError> {
    let mut appended = 0;
    for PublishedEvent { key, event } in events {
        if !writing.published.contains(writing.connection, key)? {
            writing.append_published(tenant, key, event)?;
            appended += 1;
        }
    }
    Ok(appended)
}

/// Removes the runs of what the log has forgotten up to `last`. That the memory still has their filters does
/// no harm: they lead to runs that hold nothing.
pub(super) fn runs_remove(connection: &Connection, last: Seq) -> Result<(), StoreError> {
    runs::remove_below(connection, last.next().0 / RUN_POSITIONS)
}

/// The keys of the published events in the log.
pub(super) struct Published {
    run_positions: u64,
    /// The stretch of the log that is not in a run yet.
    open_run: u64,
    /// The keys of its events, in order.
    in_order: VecDeque<(Seq, PublishKey)>,
    /// The same keys, to be found.
    recent: HashSet<PublishKey>,
    filters: Filters,
}

impl Published {
    /// Reads what the log and its runs hold.
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        Self::load_with(connection, RUN_POSITIONS)
    }

    fn load_with(connection: &Connection, run_positions: u64) -> Result<Self, StoreError> {
        let mut filters = Filters::new(run_positions);
        runs::read_filters(connection, &mut filters)?;
        let open_run = runs::next(connection, run_positions)?;
        let in_order = recent_keys(connection, Seq(open_run * run_positions))?;
        let recent = in_order.iter().map(|(_, key)| *key).collect();
        Ok(Self { run_positions, open_run, in_order, recent, filters })
    }

    /// Whether an event with this key is in the log, or will be when what is being written is committed.
    pub(super) fn contains(&self, connection: &Connection, key: PublishKey) -> Result<bool, StoreError> {
        if self.recent.contains(&key) {
            return Ok(true);
        }
        for run in self.filters.candidates(key) {
            if runs::contains(connection, run, key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds the key of an event appended at `seq`, the log's end.
    pub(super) fn add(&mut self, seq: Seq, key: PublishKey) {
        self.in_order.push_back((seq, key));
        self.recent.insert(key);
    }

    /// Forgets the keys of events at `end` and after it, which have been rolled back.
    pub(super) fn forget_from(&mut self, end: Seq) {
        while let Some((_, key)) = self.in_order.pop_back_if(|(seq, _)| *seq >= end) {
            self.recent.remove(&key);
        }
    }

    /// Writes the runs that are complete now that the log's committed end is `end`. One that cannot be written
    /// stays in memory until it can.
    pub(super) fn close_runs(&mut self, connection: &Connection, end: Seq) -> Result<(), StoreError> {
        while end.0 >= (self.open_run + 1) * self.run_positions {
            let run_end = Seq((self.open_run + 1) * self.run_positions);
            let count = self.in_order.partition_point(|(seq, _)| *seq < run_end);
            let mut keys: Vec<_> = self.in_order.range(..count).map(|(_, key)| *key).collect();
            keys.sort_unstable();
            let filter = self.filters.filter_of(&keys);
            let failed = unavailable("write a run of published keys");
            let transaction =
                Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(&failed)?;
            runs::write(&transaction, self.open_run, &keys, filter.as_ref())?;
            let oldest = runs::oldest(&transaction)?;
            transaction.commit().map_err(&failed)?;
            for (_, key) in self.in_order.drain(..count) {
                self.recent.remove(&key);
            }
            if let Some(filter) = filter {
                self.filters.add(self.open_run, &filter);
            }
            self.filters.forget_below(oldest);
            self.open_run += 1;
        }
        Ok(())
    }
}

fn recent_keys(connection: &Connection, from: Seq) -> Result<VecDeque<(Seq, PublishKey)>, StoreError> {
    let failed = unavailable("read the keys of published events");
    let sql = "SELECT seq, published FROM log WHERE seq >= ?1 AND published IS NOT NULL ORDER BY seq";
    let mut statement = connection.prepare(sql).map_err(&failed)?;
    let mut rows = statement.query(params![seq_value(from)]).map_err(&failed)?;
    let mut keys = VecDeque::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        let seq = seq_of(row, 0).map_err(&failed)?;
        let bytes = row.get_ref(1).and_then(|value| Ok(value.as_blob()?)).map_err(&failed)?;
        let key =
            runs::key_of(bytes).ok_or_else(|| Place { table: "log", column: "published", row: &seq }.corrupt())?;
        keys.push_back((seq, key));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
