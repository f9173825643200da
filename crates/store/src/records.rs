//! What the ports take and answer besides the domain's own nouns.

use std::sync::Arc;

use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::delivery::{AlertState, Attempt, Health, LoggedCount, Parked, Position, Progress, Saved};
use domain::event::{LoggedEvent, Seq};
use domain::ids::{EventId, StreamId, TenantId};
use domain::secret::Secret;
use domain::stream::EventStream;
use domain::subscription::Spans;

/// A page of a list by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many entries to pass over.
    pub offset: u32,
    /// How many to answer at most.
    pub limit: u32,
}

/// A part of a list: by how many entries to pass over, or by after which entry to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Only entries with a higher number.
    pub after: u64,
    /// How many of them to pass over.
    pub offset: u32,
    /// How many entries to answer at most.
    pub limit: u32,
}

/// An entry of a list with the number that the list goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<T> {
    /// Higher than those of the entries before.
    pub number: u64,
    /// The entry.
    pub value: T,
}

/// A failed delivery with every attempt and the event.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedDelivery {
    /// The event's position.
    pub seq: Seq,
    /// The event's id, which is the delivery's too.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: EventType,
    /// When it failed.
    pub failed_at: Timestamp,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
    /// The event's body as it was logged (see `domain::event::body_for_stream`).
    pub body: bytes::Bytes,
}

/// What came of asking for a redelivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeliveryRequested {
    /// It will be delivered again.
    Accepted,
    /// It was waiting to be delivered again already.
    AlreadyWaiting,
    /// The stream has no such failed delivery.
    NotFound,
}

/// A key that tokens are signed with.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// `kid` of the tokens.
    pub key_id: String,
    /// The private key, PKCS#8 in base64.
    pub private_key: Secret,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the last of its tokens has expired, and it goes; `None` for the one that signs.
    pub retires_at: Option<Timestamp>,
}

/// Counts changes of streams' settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct StreamsVersion(pub u64);

/// How far everything has come. What was committed together is published together, so a reader that knows
/// the streams as of `streams` knows every setting that an event below `log` must be matched with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Heads {
    /// The next position of the log: every event is below it.
    pub log: Seq,
    /// The newest change of a stream's settings.
    pub streams: StreamsVersion,
    /// Counts requests for redelivery.
    pub redeliveries: u64,
    /// Counts how often such requests were withdrawn.
    pub withdrawals: u64,
}

/// How much to read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// Events at most.
    pub events: usize,
    /// Bytes of bodies after which no further event is added.
    pub bytes: usize,
}

/// A stretch of the log.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LogChunk {
    /// The events, in order.
    pub events: Vec<Arc<LoggedEvent>>,
    /// Everything below this has been read; go on from here.
    pub next: Seq,
}

/// A stream as delivery needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamState {
    /// Whose it is.
    pub tenant: TenantId,
    /// The stream with its secrets.
    pub stream: EventStream,
    /// What it wants, over the log.
    pub spans: Spans,
    /// Counts how often it was enabled or disabled.
    pub generation: u64,
    /// How it was moved in the log.
    pub seek: Seek,
}

/// How a stream was moved in the log: how often, and where to the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Seek {
    /// Counts the moves.
    pub count: u64,
    /// Where it went on after the last one.
    pub to: Seq,
}

/// What came, or would come, of moving a stream in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The lowest position that was not settled before.
    pub from: Seq,
    /// Where it goes on.
    pub to: Seq,
    /// How many events from there to the end of the log are of the types that it subscribes to.
    pub events: u64,
    /// Only events below this were counted; `None` if all were.
    pub counted_below: Option<Seq>,
}

/// What is done with a move that was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekMode {
    /// It is made.
    Apply,
    /// Nothing: somebody wants to know what would come of it.
    DryRun,
}

/// What one step of a snapshot did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotStep {
    /// There is more to tell.
    More,
    /// It waits until its stream is enabled again.
    Waiting,
    /// Everything has been told, or the stream has gone.
    Done,
}

/// What one step of the erasures did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ErasureStep {
    /// Events that were overwritten.
    pub events: u32,
    /// There is more to look at.
    pub more: bool,
}

/// Streams that were changed, and the version they were read at.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamsChanged {
    /// What to ask from the next time.
    pub version: StreamsVersion,
    /// New or changed ones.
    pub changed: Vec<StreamState>,
    /// Removed ones.
    pub removed: Vec<StreamId>,
}

/// Where a stream stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RestoredStream {
    /// Its place in the log.
    pub position: Position,
    /// Its counters.
    pub health: Health,
    /// The positions of its failed deliveries, in order.
    pub failed: Vec<Seq>,
    /// Its parked events.
    pub parked: Vec<Parked>,
    /// What has been told of it.
    pub alert_state: AlertState,
    /// How often it had been moved by then.
    pub seeks: u64,
}

impl From<RestoredStream> for Saved {
    fn from(restored: RestoredStream) -> Self {
        Self {
            position: restored.position,
            failures_in_row: restored.health.in_row,
            failed: restored.failed,
            parked: restored.parked,
            alert_state: restored.alert_state,
        }
    }
}

/// What is saved of one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamProgress {
    /// Which.
    pub stream: StreamId,
    /// The generation that the progress belongs to: a stream that was enabled or disabled since is not
    /// disabled by it.
    pub generation: u64,
    /// The count of moves that the progress knows of. What it says of positions from the last move's target
    /// on is out of date if there were more since: the stream goes on there.
    pub seeks: u64,
    /// It is at the head: it has looked at everything below the checkpoint's `head`.
    pub at_head: bool,
    /// The progress.
    pub progress: Progress,
    /// What it has before it, where somebody has looked.
    pub queue: Option<QueueSample>,
}

/// What a stream has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSample {
    /// The lowest position that is not settled.
    pub cursor: Seq,
    /// Positions of the log from there on.
    pub behind: u64,
    /// Events that it has come to and that have not ended.
    pub waiting: u64,
}

/// What is saved at once.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Checkpoint {
    /// When it was taken.
    pub at: Timestamp,
    /// Everything below this was handed out to the streams at the head. Saved once for all of them, so that
    /// a stream to which nothing applies costs nothing.
    pub head: Seq,
    /// The streams that have moved.
    pub streams: Vec<StreamProgress>,
    /// How many events were handed out since the checkpoint before that moved the head.
    pub logged: Vec<LoggedCount>,
}

/// What one step of the clean-up did.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RetentionPass {
    /// Events that were removed.
    pub events: u32,
    /// Failed deliveries that were removed, by stream.
    pub failures: Vec<(StreamId, u32)>,
    /// Whatever was removed was below this.
    pub oldest: Seq,
}
