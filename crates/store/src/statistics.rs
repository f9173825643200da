//! The port of statistics: how many deliveries have ended.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::delivery::Cycles;
use domain::ids::{StreamId, TenantId};

use crate::StoreError;

/// What has ended in a stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CountedCycles {
    /// When the stretch begins.
    pub start: Timestamp,
    /// What has ended in it.
    pub cycles: Cycles,
}

/// How many deliveries have ended, as the API tells.
#[async_trait]
pub trait Statistics: Send + Sync {
    /// The deliveries of a stream that have ended from `from` on and before `until`, in stretches of `width_ms`, which
    /// begin at its multiples. Stretches without any are left out. Counts are kept by the minute for two weeks and a
    /// day, then by the hour.
    async fn cycles_counted(
        &self,
        tenant: TenantId,
        stream: StreamId,
        from: Timestamp,
        until: Timestamp,
        width_ms: u32,
    ) -> Result<Vec<CountedCycles>, StoreError>;
}

/// Keeping the counts few.
#[async_trait]
pub trait StatisticsUpkeep: Send + Sync {
    /// Sums up minutes that are old into hours, and forgets hours that are; at most `most` rows. True if there may be
    /// more.
    async fn counts_compact(&self, now: Timestamp, most: u32) -> Result<bool, StoreError>;
}
