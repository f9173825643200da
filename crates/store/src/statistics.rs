//! The port of statistics: what is counted by the minute, of streams and of tenants.

use std::time::Duration;

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::delivery::Cycles;
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use domain::stream::StreamStatus;

use crate::StoreError;

/// How much a stream had before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Queue {
    /// How long the oldest event had waited, at worst.
    pub lag: Duration,
    /// How many positions of the log were ahead of the stream, at the end. Not all of them need be for it.
    pub behind: u64,
    /// How many events that are for it had not ended, at the end, of those that it had come to.
    pub waiting: u64,
}

/// What was counted of a stream in a stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountedCycles {
    /// When the stretch begins.
    pub start: Timestamp,
    /// What has ended in it.
    pub cycles: Cycles,
    /// What the stream had before it; `None` if it did not move.
    pub queue: Option<Queue>,
}

/// What was counted of a tenant in a stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountedEvents {
    /// When the stretch begins.
    pub start: Timestamp,
    /// Events that came into the log for everybody.
    pub raised: u64,
    /// What has ended of all streams together.
    pub cycles: Cycles,
}

/// How many deliveries of a stream have ended in a stretch of time, for small charts of many streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flow {
    /// When the stretch begins.
    pub start: Timestamp,
    /// Deliveries that were made.
    pub delivered: u64,
    /// Deliveries that failed.
    pub failed: u64,
}

/// A stretch of time, cut into stretches of `width_ms`, which begin at its multiples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretches {
    /// From here on.
    pub from: Timestamp,
    /// Before this.
    pub until: Timestamp,
    /// How long each stretch is.
    pub width_ms: u32,
}

/// For how long counts are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountsKept {
    /// By the minute; older ones are summed up by the hour.
    pub by_minute: Duration,
    /// By the hour; older ones are summed up by the day.
    pub by_hour: Duration,
    /// At all.
    pub at_all: Duration,
}

impl Default for CountsKept {
    fn default() -> Self {
        let days = |days: u64| Duration::from_hours(24 * days);
        Self { by_minute: days(2), by_hour: days(31), at_all: days(400) }
    }
}

/// When a stream got a status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusSince {
    /// When.
    pub since: Timestamp,
    /// Which.
    pub status: StreamStatus,
    /// Why the server has disabled it, if that did.
    pub reason: Option<domain::delivery::DisableReason>,
}

/// What was counted, as it is told.
///
/// Counts of deliveries are saved with the checkpoint that saves the deliveries: a crash loses those of what is delivered
/// again. Stretches in which nothing was counted are left out. See [`CountsKept`] for how long they are how fine.
#[async_trait]
pub trait Statistics: Send + Sync {
    /// What was counted of a stream.
    async fn cycles_counted(
        &self,
        tenant: TenantId,
        stream: StreamId,
        stretches: Stretches,
    ) -> Result<Vec<CountedCycles>, StoreError>;

    /// What was counted of a tenant.
    async fn events_counted(&self, tenant: TenantId, stretches: Stretches) -> Result<Vec<CountedEvents>, StoreError>;

    /// How many deliveries of these streams have ended: for each of them, in their order, what was counted.
    async fn flows_counted(
        &self,
        tenant: TenantId,
        streams: Vec<StreamId>,
        stretches: Stretches,
    ) -> Result<Vec<Vec<Flow>>, StoreError>;

    /// When a stream was enabled and disabled, oldest first: the last time before `from`, and since.
    async fn statuses_since(
        &self,
        tenant: TenantId,
        stream: StreamId,
        from: Timestamp,
    ) -> Result<Vec<StatusSince>, StoreError>;
}

/// Keeping the counts whole, and few.
#[async_trait]
pub trait StatisticsUpkeep: Send + Sync {
    /// Counts the events at positions below `until` that a former process had not counted. Those from there on are
    /// counted with checkpoints.
    async fn events_count_rest(&self, until: Seq) -> Result<(), StoreError>;
    /// Sums up counts that are old, and forgets those that are older; at most `most` rows. True if there may be more.
    async fn counts_compact(&self, now: Timestamp, kept: CountsKept, most: u32) -> Result<bool, StoreError>;
}
