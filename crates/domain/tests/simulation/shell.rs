//! The shell as a model: what the crate `delivery` does around the cores, without its tasks.

mod reading;
mod settings;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::clock::Moment;
use domain::delivery::{Cause, Feed, Head, Policy, StreamCore};
use domain::event::Seq;

use super::ledger::Standings;
use super::store::{Event, Settings, StreamKey, StreamProgress};

pub(crate) use settings::Notice;

/// What the core passes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Payload {
    pub(crate) seq: Seq,
    pub(crate) redelivery: bool,
}

/// What a stream behind the head has read, and not taken yet.
#[derive(Debug)]
struct Chunk {
    /// The count of moves when it was begun: a stream that was moved since does not want it.
    seeks: u64,
    events: Vec<Event>,
    next: Seq,
}

/// A stream as the shell runs it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) core: StreamCore<Payload>,
    /// Its settings as they were last heard of.
    pub(crate) known: Settings,
    /// Orders to load that are not answered yet.
    pub(crate) loads: Vec<Vec<Seq>>,
    /// What it is reading.
    chunk: Option<Chunk>,
    /// The reader at the head feeds it.
    at_head: bool,
    /// Redeliveries that were found waiting, when so many checkpoints had been saved.
    found: Option<(u64, Vec<(Seq, Cause)>)>,
    /// What nobody asks for any more, as far as the store was asked about what is in hand.
    withdrawn: Option<Vec<Seq>>,
    /// Counts the checkpoints that were saved of it.
    saves: u64,
    /// What was in flight when its limit was changed, and still is.
    pub(crate) in_flight_before: usize,
    /// Something has happened, so the core may have orders.
    pub(crate) touched: bool,
    /// When the core may have orders although nothing happens.
    pub(crate) wake: Option<Duration>,
}

impl Running {
    pub(crate) fn policy(&self) -> &Policy {
        &self.known.policy
    }

    /// Enters or leaves the head. That is saved with its position, also when nothing else has changed: the
    /// store must not go on believing that it looks at everything below the head's frontier.
    fn set_at_head(&mut self, at_head: bool) {
        if self.at_head != at_head {
            self.at_head = at_head;
            self.core.touch();
        }
    }

    /// What was taken of it has been saved.
    pub(crate) fn saved(&mut self) {
        self.core.progress_saved();
        self.saves += 1;
        self.touched = true;
    }

    /// Offers an event, if the stream wants it.
    fn offer(&mut self, now: Moment, event: &Event) -> Feed {
        if !self.known.spans.matches(event.seq, event.event_type) {
            return Feed::Taken;
        }
        self.touched = true;
        let payload = Payload { seq: event.seq, redelivery: false };
        self.core.feed(now, event.seq, event.subject, 100, payload)
    }
}

/// A checkpoint under way: the head's frontier was noted first, then the streams give their progress one by
/// one while others go on, then it is saved.
#[derive(Debug)]
pub(crate) struct Saving {
    pub(crate) head: Seq,
    pub(crate) to_take: Vec<StreamKey>,
    pub(crate) taken: Vec<StreamProgress>,
}

/// Everything that a crash ends.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) head: Head<StreamKey>,
    /// The log is known up to here, and so are the settings.
    pub(crate) known: Seq,
    pub(crate) streams: BTreeMap<StreamKey, Running>,
    /// Streams whose settings were read; where they stand is read next.
    pub(crate) adding: VecDeque<(StreamKey, Settings)>,
    /// Every stream that was there at the start has been added. Nothing is handed out or saved before that.
    pub(crate) started: bool,
    pub(crate) saving: Option<Saving>,
    /// A checkpoint was saved and its answer was lost: the process dies before it takes another one.
    pub(crate) unanswered: bool,
}

impl Shell {
    /// A head may start anywhere: streams that are behind it read on for themselves.
    pub(crate) fn start(head: Seq) -> Self {
        Self {
            head: Head::new(head),
            known: head,
            streams: BTreeMap::new(),
            adding: VecDeque::new(),
            started: false,
            saving: None,
            unanswered: false,
        }
    }

    /// What is to be saved of a stream.
    pub(crate) fn take(&mut self, key: StreamKey) -> Option<StreamProgress> {
        let running = self.streams.get_mut(&key)?;
        let progress = running.core.take_progress()?;
        let (generation, seeks) = (running.known.generation, running.known.seeks);
        Some(StreamProgress {
            stream: key,
            generation,
            seeks,
            at_head: running.at_head,
            progress,
            standings: Standings::default(),
        })
    }
}
