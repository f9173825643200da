//! The store as a model: what survives a crash, with the promises that the real one makes.

use std::collections::BTreeMap;

use domain::catalog::{EventType, EventTypes};
use domain::delivery::{DisableReason, Health, Parked, Policy, Position, Progress, RowChange};
use domain::event::Seq;
use domain::ids::TenantId;
use domain::stream::StreamStatus;
use domain::subscription::{Interest, Spans};

use super::Checked;
use super::ledger::Standings;

/// Names a stream; never used twice.
pub(crate) type StreamKey = u32;

/// An event of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) seq: Seq,
    pub(crate) tenant: TenantId,
    pub(crate) event_type: EventType,
    pub(crate) subject: u64,
}

/// A stream's settings, and what was saved of its deliveries.
#[derive(Debug)]
pub(crate) struct StoredStream {
    pub(crate) tenant: TenantId,
    pub(crate) types: EventTypes,
    pub(crate) policy: Policy,
    pub(crate) spans: Spans,
    pub(crate) status: StreamStatus,
    /// Counts how often it was enabled or disabled.
    pub(crate) generation: u64,
    /// Counts changes of settings.
    pub(crate) version: u64,
    pub(crate) position: Position,
    pub(crate) at_head: bool,
    pub(crate) health: Health,
    pub(crate) parked: BTreeMap<Seq, Parked>,
    /// The failed deliveries; true for those that somebody asked to deliver again.
    pub(crate) failures: BTreeMap<Seq, bool>,
}

impl StoredStream {
    /// Everything below this has been looked at, as a restart sees it.
    pub(crate) fn frontier(&self, head: Seq) -> Seq {
        if self.at_head { self.position.frontier.max(head) } else { self.position.frontier }
    }

    fn begin(&mut self, end: Seq) {
        self.version += 1;
        let interest = match self.status {
            StreamStatus::Enabled => Interest::Types(self.types.clone()),
            StreamStatus::Disabled => Interest::Missed,
        };
        self.spans.begin(end, interest);
    }

    /// Whether it may be enabled: not while too many failed deliveries are outstanding.
    pub(crate) fn may_enable(&self) -> bool {
        self.failures.len() < self.policy.failures_outstanding_max as usize
    }

    pub(crate) fn set_status(&mut self, status: StreamStatus, end: Seq) {
        self.status = status;
        self.generation += 1;
        if status == StreamStatus::Enabled {
            self.health.in_row = 0;
        }
        self.begin(end);
    }

    pub(crate) fn set_types(&mut self, types: EventTypes, end: Seq) {
        self.types = types;
        self.begin(end);
    }

    pub(crate) fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        self.version += 1;
    }

    fn row(&mut self, row: &RowChange) -> Checked {
        let was_there = match row {
            RowChange::Failed { seq, .. } => {
                self.parked.remove(seq);
                self.failures.insert(*seq, false).is_none()
            }
            RowChange::FailedAgain { seq, .. } => self.failures.insert(*seq, false).is_some(),
            RowChange::Recovered { seq } => self.failures.remove(seq).is_some(),
            RowChange::Unparked { seq } => self.parked.remove(seq).is_some(),
            RowChange::Parked(parked) => {
                self.parked.insert(parked.seq, parked.clone());
                !self.failures.contains_key(&parked.seq)
            }
        };
        if was_there { Ok(()) } else { Err(format!("rows do not fit what the store holds: {row:?}")) }
    }
}

/// What a checkpoint saves of one stream.
#[derive(Debug)]
pub(crate) struct StreamProgress {
    pub(crate) stream: StreamKey,
    pub(crate) generation: u64,
    pub(crate) at_head: bool,
    pub(crate) progress: Progress,
    /// What the ledger holds to be saved with it.
    pub(crate) standings: Standings,
}

/// What came of saving a stream's progress.
pub(crate) enum Applied {
    /// Saved.
    Saved,
    /// Saved, and the stream is disabled now.
    Disabled(DisableReason),
    /// Saved; it was not disabled, because it was enabled or disabled since.
    Outdated,
}

/// Everything that survives a crash.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) log: Vec<Event>,
    pub(crate) streams: BTreeMap<StreamKey, StoredStream>,
    /// Everything below this was handed out to the streams at the head.
    pub(crate) head: Seq,
}

impl Store {
    /// The next position: every event is below it.
    pub(crate) fn end(&self) -> Seq {
        self.log.last().map_or(Seq(1), |last| last.seq.next())
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

    /// One stream's part of a checkpoint; `None` if the stream is gone.
    pub(crate) fn apply(&mut self, saved: &StreamProgress) -> Result<Option<Applied>, String> {
        let end = self.end();
        let Some(stream) = self.streams.get_mut(&saved.stream) else { return Ok(None) };
        stream.position = saved.progress.position.clone();
        stream.at_head = saved.at_head;
        stream.health = saved.progress.health;
        let current = stream.generation == saved.generation;
        if !current {
            // The row of failures is from before it was enabled again.
            stream.health.in_row = 0;
        }
        for row in &saved.progress.rows {
            stream.row(row)?;
        }
        stream.spans.prune(stream.position.cursor(), Seq::ZERO);
        Ok(Some(match saved.progress.disable {
            Some(reason) if current && stream.status == StreamStatus::Enabled => {
                stream.set_status(StreamStatus::Disabled, end);
                Applied::Disabled(reason)
            }
            Some(_) => Applied::Outdated,
            None => Applied::Saved,
        }))
    }
}
