//! The store as a model: what survives a crash, with the promises that the real one makes.
//!
//! Each verb is one transaction, as in the store on SQLite: a crash comes before all of it or after all of it.
//! `saving.rs` here is `cursors.rs` there, `moves.rs` is `seeks.rs` with what `streams.rs` does of it.

mod alerts;
mod jobs;
mod moves;
pub(crate) mod retention;
mod saving;
mod snapshots;

use std::collections::BTreeMap;

use domain::catalog::{EventType, EventTypes};
use domain::clock::Timestamp;
use domain::delivery::{Parked, Policy, Position};
use domain::event::Seq;
use domain::ids::TenantId;
use domain::stream::{EventStream, StreamStatus};
use domain::subscription::Spans;

pub(crate) use alerts::ToldAlerts;
pub(crate) use jobs::{Asked, JobKey};
pub(crate) use saving::{Applied, StreamProgress};
pub(crate) use snapshots::{Snapshot, Told, User};

/// Names a stream; never used twice.
pub(crate) type StreamKey = u32;

/// An event of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) seq: Seq,
    pub(crate) tenant: TenantId,
    pub(crate) event_type: EventType,
    pub(crate) subject: u64,
    pub(crate) at: Timestamp,
    /// Which state of its subject it tells of.
    pub(crate) revision: u64,
    /// The only stream that it is for: a part of its snapshot.
    pub(crate) only: Option<StreamKey>,
    /// It is a test event: it is not handed out with the log.
    pub(crate) is_test: bool,
}

impl Event {
    /// Whether it is handed out to this stream with the log.
    pub(crate) fn is_for(&self, key: StreamKey) -> bool {
        !self.is_test && self.only.is_none_or(|only| only == key)
    }

    /// Whether a stream with these types is to get it.
    pub(crate) fn is_wanted(&self, key: StreamKey, tenant: TenantId, types: &EventTypes) -> bool {
        self.tenant == tenant && self.is_for(key) && types.contains(self.event_type)
    }
}

/// A stream's settings, as its shell hears of them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) tenant: TenantId,
    pub(crate) stream: EventStream,
    pub(crate) policy: Policy,
    pub(crate) spans: Spans,
    /// Counts how often it was enabled or disabled.
    pub(crate) generation: u64,
    /// Counts changes of settings.
    pub(crate) version: u64,
    /// Counts how often it was moved, and where it was moved to last.
    pub(crate) seeks: u64,
    pub(crate) sought: Seq,
}

/// A stream's settings, and what was saved of its deliveries.
#[derive(Debug)]
pub(crate) struct StoredStream {
    pub(crate) settings: Settings,
    pub(crate) position: Position,
    pub(crate) at_head: bool,
    pub(crate) in_row: u32,
    pub(crate) parked: BTreeMap<Seq, Parked>,
    /// The failed deliveries; true for those that somebody asked to deliver again.
    pub(crate) failures: BTreeMap<Seq, bool>,
    /// What jobs ask for, and what is delivered out of turn.
    pub(crate) asked: Asked,
    /// What has been told of it.
    pub(crate) alerts: ToldAlerts,
}

impl StoredStream {
    pub(crate) fn is_enabled(&self) -> bool {
        self.settings.stream.status == StreamStatus::Enabled
    }

    /// Everything below this has been looked at, as a restart sees it.
    pub(crate) fn frontier(&self, head: Seq) -> Seq {
        if self.at_head { self.position.frontier.max(head) } else { self.position.frontier }
    }

    /// The lowest position that it has not settled, as a restart sees it.
    pub(crate) fn cursor(&self, head: Seq) -> Seq {
        self.position.open.first().copied().unwrap_or_else(|| self.frontier(head))
    }

    /// Whether it may be enabled: not while too many failed deliveries are outstanding.
    pub(crate) fn may_enable(&self) -> bool {
        self.failures.len() < self.settings.policy.failures_outstanding_max as usize
    }
}

/// Everything that survives a crash.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) log: Vec<Event>,
    pub(crate) streams: BTreeMap<StreamKey, StoredStream>,
    /// Everything below this was handed out to the streams at the head.
    pub(crate) head: Seq,
    pub(crate) users: BTreeMap<u64, User>,
    pub(crate) snapshots: BTreeMap<StreamKey, Snapshot>,
    /// The number of the newest user that there ever was.
    pub(crate) last_user: u64,
}

impl Store {
    /// The next position: every event is below it.
    pub(crate) fn end(&self) -> Seq {
        self.log.last().map_or(Seq(1), |last| last.seq.next())
    }

    /// The oldest position that the log holds; the next one if it holds nothing.
    pub(crate) fn oldest(&self) -> Seq {
        self.log.first().map_or(self.end(), |first| first.seq)
    }

    /// The events at positions from `from` on and below `until`.
    pub(crate) fn read(&self, from: Seq, until: Seq) -> &[Event] {
        let start = self.log.partition_point(|event| event.seq < from);
        let end = self.log.partition_point(|event| event.seq < until);
        &self.log[start..end.max(start)]
    }

    pub(crate) fn get(&self, seq: Seq) -> Option<Event> {
        self.read(seq, seq.next()).first().copied()
    }
}
