//! The port of readers that are no event streams: each follows a tenant's part of the log by itself.

use async_trait::async_trait;
use domain::catalog::EventTypes;
use domain::event::Seq;
use domain::ids::TenantId;
use domain::place::Place;
use tokio::sync::watch;

use crate::{Heads, LogChunk, ReadLimit, StoreError};

/// Which events a reader wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whose.
    pub tenant: TenantId,
    /// Of which types; `None` is every type but those by which the server tells of itself.
    pub types: Option<EventTypes>,
}

/// A tenant's part of the log.
#[async_trait]
pub trait TenantLog: Send + Sync {
    /// The wake signal. It carries no data; a reader that misses one loses only time.
    fn wake(&self) -> watch::Receiver<Heads>;

    /// The position that a place is now.
    ///
    /// # Errors
    /// [`StoreError::Place`] if nobody can go there.
    async fn place_find(&self, place: Place) -> Result<Seq, StoreError>;

    /// The wanted events at positions from `from` on, in order, no more than `limit`; never those that are for one
    /// stream only. It looks at a stretch of bounded length, which may hold none: then it answers none, and where
    /// to go on.
    ///
    /// # Errors
    /// [`StoreError::Place`] if the log has forgotten something from `from` on.
    async fn tenant_events(&self, wanted: &Wanted, from: Seq, limit: ReadLimit) -> Result<LogChunk, StoreError>;
}
