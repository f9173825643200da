//! The port of probing: whether a stream that was disabled because it kept failing can be enabled again.

use async_trait::async_trait;
use domain::change::Revision;
use domain::clock::Timestamp;
use domain::ids::{JobId, StreamId};

use crate::StoreError;

/// A stream that is to be probed: the server has disabled it because it kept failing, and its owner wants it back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbedStream {
    /// The stream.
    pub stream: StreamId,
    /// Its settings since that.
    pub revision: Revision,
}

/// How a probe stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeStanding {
    /// It waits, or is being delivered.
    UnderWay,
    /// The receiver has taken it.
    Delivered,
    /// It has failed again, was canceled, or the log has forgotten its event.
    NotDelivered,
}

/// Probing streams, as delivery does it. What is begun for a stream looks anew whether it is to be probed, and does
/// nothing if somebody has enabled, changed or removed it meanwhile.
#[async_trait]
pub trait Probes: Send + Sync {
    /// The streams that are to be probed.
    async fn streams_probed(&self) -> Result<Vec<ProbedStream>, StoreError>;
    /// Has one event of a stream delivered while it is disabled, as a redelivery job that the server has started: its
    /// newest failed delivery; where none has failed, an event that is open, or the first one that it has missed. A
    /// probe that is under way is answered again. `None` if there is nothing to try with.
    async fn probe_begin(&self, probed: ProbedStream, now: Timestamp) -> Result<Option<JobId>, StoreError>;
    /// How a probe stands.
    async fn probe_standing(&self, job: JobId) -> Result<ProbeStanding, StoreError>;
    /// Enables a stream with what it has missed, if fewer than `failures_outstanding_max` of its deliveries are
    /// outstanding; answers whether it did.
    async fn stream_recover(
        &self,
        probed: ProbedStream,
        failures_outstanding_max: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
