//! One stream while the engine runs: its core with what the shell knows beside it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::clock::Moment;
use domain::delivery::{Feed, Limits, Phase, Policy, StreamCore};
use domain::event::{LoggedEvent, Seq};
use domain::ids::{StreamId, TenantId};
use domain::stream::{EventStream, StreamOptions, StreamStatus};
use domain::subscription::Spans;
use store::{QueueSample, StreamState};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::destinations::Destination;
use crate::window_budget::WindowShare;

/// How often is looked at what a stream has before it: the store looks up how old that is.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// A stream. Whoever changes its state marks it dirty and wakes its task.
pub(crate) struct LiveStream {
    pub(crate) id: StreamId,
    pub(crate) tenant: TenantId,
    /// Wakes the stream's task.
    pub(crate) wake: Notify,
    /// The stream was removed.
    pub(crate) removed: CancellationToken,
    /// There may be redeliveries to fetch.
    pub(crate) redeliveries_waiting: AtomicBool,
    /// There may be redeliveries in hand that nobody wants any more.
    pub(crate) withdrawn: AtomicBool,
    dirty: AtomicBool,
    state: Mutex<LiveState>,
}

/// What changes of it.
pub(crate) struct LiveState {
    pub(crate) core: StreamCore<Arc<LoggedEvent>>,
    /// What its window may hold of what there is for all of them.
    pub(crate) window: WindowShare,
    pub(crate) spans: Spans,
    pub(crate) generation: u64,
    pub(crate) destination: Arc<dyn Destination>,
    /// The reader at the head feeds it; otherwise it reads for itself.
    pub(crate) at_head: bool,
    /// Counts the checkpoints that were saved of it.
    pub(crate) saves: u64,
    /// Redeliveries are to be looked for once more when a checkpoint has been saved.
    pub(crate) look_after_saving: bool,
    /// Counts how often it was moved in the log. What was begun before a move is void.
    pub(crate) seeks: u64,
    /// When what it has before it was last looked at, by the steady clock, and whether that was nothing.
    pub(crate) sampled: Option<(Duration, bool)>,
}

/// How far the log goes.
#[derive(Clone, Copy)]
pub(crate) struct LogEnds {
    /// What is at the head has looked at everything below this.
    pub(crate) head: Seq,
    /// The next position.
    pub(crate) log: Seq,
}

impl LiveStream {
    pub(crate) fn new(id: StreamId, tenant: TenantId, state: LiveState) -> Self {
        Self {
            id,
            tenant,
            wake: Notify::new(),
            removed: CancellationToken::new(),
            redeliveries_waiting: AtomicBool::new(false),
            withdrawn: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if it was clean.
    pub(crate) fn become_dirty(&self) -> bool {
        !self.dirty.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn become_clean(&self) {
        self.dirty.store(false, Ordering::Release);
    }
}

/// The rules of a stream: the server's, with its own options.
pub(crate) fn policy_of(stream: &EventStream, server: &Policy) -> Policy {
    let StreamOptions { ordering, delivery } = &stream.options;
    let asked = delivery.in_flight_max.map_or(usize::MAX, |most| usize::try_from(most.get()).unwrap_or(usize::MAX));
    let in_flight_max = server.limits.in_flight_max.min(asked);
    let mut schedule = delivery.retry.schedule(&server.schedule);
    schedule.jitter.salt = fingerprint(stream.id);
    Policy {
        ordering: *ordering,
        schedule,
        limits: Limits { in_flight_max, ..server.limits },
        rate: delivery.rate(),
        ..server.clone()
    }
}

/// A number for a stream, the same after a restart.
fn fingerprint(stream: StreamId) -> u64 {
    let mut hasher = DefaultHasher::new();
    stream.hash(&mut hasher);
    hasher.finish()
}

pub(crate) fn phase_of(status: StreamStatus) -> Phase {
    match status {
        StreamStatus::Enabled => Phase::Enabled,
        StreamStatus::Disabled => Phase::Disabled,
    }
}

impl LiveState {
    /// Offers an event, if the stream wants it.
    pub(crate) fn offer(&mut self, now: Moment, logged: &Arc<LoggedEvent>) -> Feed {
        let event = &logged.event;
        if !self.spans.matches(logged.seq, event.event_type) {
            return Feed::Taken;
        }
        if logged.seq >= self.core.frontier() && self.window.room() == 0 {
            return Feed::Full;
        }
        let fed = self.core.feed(now, logged.seq, event.subject.fingerprint(), event.body.len(), Arc::clone(logged));
        self.window.hold(self.core.held_bytes());
        fed
    }

    /// Takes over changed settings. The stream is not at the head meanwhile.
    pub(crate) fn change(
        &mut self,
        now: Moment,
        changed: StreamState,
        policy: Policy,
        destination: Arc<dyn Destination>,
    ) {
        if changed.seek.count > self.seeks {
            self.seeks = changed.seek.count;
            self.core.seek(changed.seek.to);
        }
        self.core.set_policy(policy);
        let flipped = changed.generation != self.generation;
        self.generation = changed.generation;
        self.spans = changed.spans;
        self.destination = destination;
        match changed.stream.status {
            StreamStatus::Enabled if flipped => self.core.enable(),
            StreamStatus::Enabled => {}
            StreamStatus::Disabled => self.core.disable(now),
        }
    }

    /// What it has before it: now and then, and whenever that has become something or nothing.
    pub(crate) fn sample(&mut self, now: Moment, ends: LogEnds) -> Option<QueueSample> {
        if self.core.phase() == Phase::Disabled {
            return None;
        }
        let (cursor, waiting) = (self.core.cursor(), self.core.waiting());
        // What has nothing open has looked at all that the head has.
        let is_at_end = self.at_head && cursor == self.core.frontier();
        let cursor = if is_at_end { cursor.max(ends.head) } else { cursor };
        let behind = ends.log.0.saturating_sub(cursor.0);
        let is_clear = waiting == 0 && is_at_end;
        let due = self
            .sampled
            .is_none_or(|(at, was_clear)| is_clear != was_clear || now.steady.saturating_sub(at) >= SAMPLE_EVERY);
        if !due {
            return None;
        }
        self.sampled = Some((now.steady, is_clear));
        Some(QueueSample { cursor, behind: if is_clear { 0 } else { behind }, waiting: waiting as u64 })
    }

    /// Enters or leaves the head; that is saved with its position.
    pub(crate) fn set_at_head(&mut self, at_head: bool) {
        if self.at_head != at_head {
            self.at_head = at_head;
            self.core.touch();
        }
    }
}
