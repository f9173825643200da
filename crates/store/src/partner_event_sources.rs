//! The port of partner event sources: which of them AWS is to make, and which it is to delete.

use async_trait::async_trait;
use domain::destination::EventBridge;
use domain::ids::StreamId;

use crate::StoreError;

/// A partner event source that is not known to be as it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnsettledSource {
    /// Whose it is or was.
    pub stream: StreamId,
    /// Its name, and where it is.
    pub source: EventBridge,
    /// What it should be.
    pub wanted: SourceWanted,
}

/// What a partner event source should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceWanted {
    /// There: its stream is.
    There,
    /// Gone, as its stream is.
    Gone,
}

/// The partner event sources of streams to EventBridge, as delivery has AWS make and delete them. Each is noted with
/// its stream, and told of until somebody says that it is settled.
#[async_trait]
pub trait PartnerEventSources: Send + Sync {
    /// At most `take` of them, of streams after `after`, in the order of their ids. Those that should be there count as
    /// made from now on: should their stream go, they are told of once more. One that nobody has ever taken up goes
    /// with its stream.
    async fn sources_take_up(&self, after: Option<StreamId>, take: u32) -> Result<Vec<UnsettledSource>, StoreError>;
    /// AWS has said that this one is as it was wanted. If something else is wanted by now, it is told of again.
    async fn source_settled(&self, stream: StreamId, wanted: SourceWanted) -> Result<(), StoreError>;
}
