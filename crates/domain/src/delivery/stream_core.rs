//! One stream's deliveries: told what happened, it answers what to do.

mod beside;
mod ending;
mod entries;
mod reorder;
mod seek;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use self::ending::count_of;
use self::entries::{Entry, Origin, State};
use super::alerts::Watch;
use super::concurrency::Concurrency;
use super::cycles::Cycles;
use super::health::{DisableReason, Health};
use super::lanes::{Flow, Lanes, Ticket};
use super::outcome::{Attempt, Failure, FailureKind, Outcome};
use super::pace::Pace;
use super::parked::{HoldKey, ParkedEvents};
use super::policy::{Ordering, Policy};
use super::progress::{Parked, Position, Progress, RowChange, Saved};
use super::ready::Ready;
use super::retry::{Next, next_step};
use super::window::Window;
use crate::clock::Moment;
use crate::event::Seq;

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Order<E> {
    /// Send the event; answer with [`StreamCore::attempt_ended`], once.
    Send {
        /// What to answer with.
        ticket: Ticket,
        /// Its position.
        seq: Seq,
        /// Which attempt of this cycle it is; the first is 1.
        attempt: u32,
        /// The event.
        payload: E,
    },
    /// Fetch these events; answer with [`StreamCore::loaded`] for each, in this order.
    Load(Vec<Seq>),
}

/// Whether an event was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feed {
    /// Taken, or not needed any more.
    Taken,
    /// No room: offer it again once [`StreamCore::room`] is not zero.
    Full,
}

/// Whether the stream delivers what is in the log. What is delivered beside it is, in both phases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// One stream's deliveries. `E` is the event as the shell knows it; the core only passes it on.
#[derive(Debug)]
pub struct StreamCore<E> {
    policy: Policy,
    phase: Phase,
    /// While disabled by the core itself: what is still in flight is recorded as failed when it fails.
    tripped: bool,
    window: Window,
    parked: ParkedEvents,
    entries: HashMap<Ticket, Entry<E>>,
    lanes: Lanes,
    /// What was in flight when the ordering was changed, and still is.
    unordered: BTreeSet<Ticket>,
    ready: Ready,
    pace: Pace,
    timers: BTreeSet<(Duration, Ticket)>,
    /// Open positions whose event is not in memory; and those of them, and of parked ones, being fetched.
    missing: BTreeSet<Seq>,
    loading: BTreeSet<Seq>,
    redelivering: BTreeSet<Seq>,
    /// Redeliveries that have ended; the store does not know yet, or is being told.
    redelivered: BTreeSet<Seq>,
    redelivered_saving: BTreeSet<Seq>,
    /// The failed deliveries outstanding: moved back, a stream may come to them once more.
    failed: BTreeSet<Seq>,
    bytes: usize,
    in_flight: usize,
    /// Of those, what is delivered beside the log.
    beside_in_flight: usize,
    concurrency: Concurrency,
    next_ticket: u64,
    health: Health,
    rows: Vec<RowChange>,
    /// Deliveries since progress was last taken; and those that are being saved.
    delivered: usize,
    delivered_saving: usize,
    cycles: Cycles,
    disable: Option<DisableReason>,
    watch: Watch,
    dirty: bool,
}

impl<E: Clone> StreamCore<E> {
    /// A stream that goes on from what was saved of it.
    pub fn restore(policy: Policy, phase: Phase, saved: Saved) -> Self {
        let Saved { position, failures_in_row, failed, parked, alert_state } = saved;
        let open: BTreeSet<Seq> = position.open.into_iter().collect();
        let failed: BTreeSet<Seq> = failed.into_iter().collect();
        let missing = if phase == Phase::Enabled { open.clone() } else { BTreeSet::new() };
        let mut core = Self {
            concurrency: Concurrency::new(&policy.limits),
            policy,
            phase,
            tripped: false,
            window: Window::new(position.frontier, open),
            parked: ParkedEvents::default(),
            entries: HashMap::new(),
            lanes: Lanes::default(),
            unordered: BTreeSet::new(),
            ready: Ready::default(),
            pace: Pace::default(),
            timers: BTreeSet::new(),
            missing,
            loading: BTreeSet::new(),
            redelivering: BTreeSet::new(),
            redelivered: BTreeSet::new(),
            redelivered_saving: BTreeSet::new(),
            health: Health { in_row: failures_in_row, outstanding: count_of(&failed) },
            failed,
            bytes: 0,
            in_flight: 0,
            beside_in_flight: 0,
            next_ticket: 0,
            rows: Vec::new(),
            delivered: 0,
            delivered_saving: 0,
            cycles: Cycles::default(),
            disable: None,
            watch: Watch::restore(alert_state),
            dirty: false,
        };
        for row in parked {
            let key = core.hold_key(row.subject);
            core.parked.park(key, row);
        }
        core
    }

    // ---- what happened -------------------------------------------------------------------------------

    /// Offers the event at `seq`, which the stream wants. Positions are offered in order.
    pub fn feed(&mut self, now: Moment, seq: Seq, subject: u64, bytes: usize, payload: E) -> Feed {
        if seq < self.window.frontier() {
            return Feed::Taken;
        }
        if self.room() == 0 {
            return Feed::Full;
        }
        self.dirty = true;
        if self.parked.holds_back(self.hold_key(subject), seq) {
            self.window.advance(seq.next());
            self.park(Parked { seq, subject, due: now.wall, attempts: Vec::new() });
        } else {
            self.window.admit(seq);
            self.take_up(seq, subject, bytes, Origin::Log, Vec::new(), payload);
        }
        Feed::Taken
    }

    /// Everything below `frontier` has been offered or is not for this stream.
    pub fn advance(&mut self, frontier: Seq) {
        if frontier > self.window.frontier() {
            self.window.advance(frontier);
            self.dirty = true;
        }
    }

    /// The answer to [`Order::Load`]: the event with its subject and size, or `None` if the log has
    /// forgotten it.
    pub fn loaded(&mut self, now: Moment, seq: Seq, event: Option<(u64, usize, E)>) {
        if !self.loading.remove(&seq) {
            return;
        }
        self.dirty = true;
        let parked = self.parked.get(seq).cloned();
        match (event, parked) {
            (None, Some(_)) => {
                self.parked.remove(seq);
                self.rows.push(RowChange::Unparked { seq });
            }
            (None, None) => self.window.settle(seq),
            (Some(_), Some(_)) if self.phase == Phase::Disabled => self.parked.put_back(seq),
            // With another ordering, one that it has to wait for may have been parked meanwhile, or be open.
            (Some((subject, ..)), Some(_))
                if self.awaits_earlier(seq) || self.parked.holds_back(self.hold_key(subject), seq) =>
            {
                self.parked.put_back(seq);
            }
            (Some((subject, bytes, payload)), Some(row)) => {
                self.take_up(seq, subject, bytes, Origin::Parked, row.attempts, payload);
            }
            (Some(_), None) if self.phase == Phase::Disabled => {}
            (Some(_), None) if self.awaits_earlier(seq) => {
                self.missing.insert(seq);
            }
            (Some((subject, ..)), None) if self.parked.holds_back(self.hold_key(subject), seq) => {
                self.window.settle(seq);
                self.park(Parked { seq, subject, due: now.wall, attempts: Vec::new() });
            }
            (Some((subject, bytes, payload)), None) => {
                self.take_up(seq, subject, bytes, Origin::Log, Vec::new(), payload);
            }
        }
    }

    /// An attempt has ended. A ticket that is not in flight is ignored.
    pub fn attempt_ended(&mut self, now: Moment, ticket: Ticket, outcome: Outcome) {
        let Some(entry) = self.entries.get_mut(&ticket).filter(|entry| entry.state == State::InFlight) else {
            return;
        };
        self.dirty = true;
        match &outcome {
            Outcome::Failed(failure) if failure.kind.is_overload() => self.concurrency.overloaded(now.steady),
            Outcome::Failed(Failure { kind: FailureKind::Unreachable | FailureKind::Refused, .. })
            | Outcome::FilteredOut => {}
            _ => self.concurrency.answered(&self.policy.limits, outcome.duration(), self.in_flight),
        }
        self.in_flight -= 1;
        let (seq, is_beside) = (entry.seq, entry.origin.flow() == Flow::Beside);
        self.beside_in_flight -= usize::from(is_beside);
        let unordered = self.unordered.remove(&ticket);
        if let Outcome::Failed(failure) = &outcome {
            self.cycles.count_attempt_failed(failure.kind);
        }
        let failure = match outcome {
            Outcome::Delivered { duration } => {
                self.health.delivered();
                self.end_settled(ticket, Some(duration));
                if self.phase == Phase::Enabled {
                    self.watch.delivered(self.health, &self.policy);
                }
                return;
            }
            Outcome::FilteredOut => {
                self.end_settled(ticket, None);
                return;
            }
            Outcome::Failed(failure) => failure,
        };
        if entry.origin == Origin::Forgotten {
            self.remove(ticket);
            return;
        }
        entry.attempts_made += 1;
        let next = next_step(&self.policy, seq, entry.attempts_made, &failure);
        let attempt = Attempt::failed(now.wall, failure);
        self.watch.attempt_failed(&attempt);
        entry.attempts.push(attempt);
        let frozen = self.phase == Phase::Disabled && !is_beside;
        // What has still to be fetched may come before it in its lane.
        let overtakes = !is_beside && self.phase == Phase::Enabled && self.awaits_earlier(seq);
        let overtaken = unordered && self.entries.get(&ticket).is_some_and(|entry| self.is_held_back(entry));
        match next {
            Next::GiveUp => self.end_failed(now.wall, ticket),
            _ if frozen && self.tripped => self.end_failed(now.wall, ticket),
            _ if frozen => self.set_aside(ticket),
            Next::After(wait) if overtaken || overtakes => self.end_parked(now.wall, ticket, wait),
            Next::ParkFor(wait) if !is_beside => self.end_parked(now.wall, ticket, wait),
            Next::After(wait) | Next::ParkFor(wait) => {
                self.try_again(ticket, now.steady + wait);
                if unordered {
                    self.order_lane(ticket);
                }
            }
        }
        if self.phase == Phase::Enabled {
            match self.health.verdict(&self.policy) {
                Some(reason) => {
                    self.disable = Some(reason);
                    self.tripped = true;
                    self.watch.disabled(reason, self.health, &self.policy);
                    self.freeze(now.wall);
                }
                None => self.watch.failed(self.health, &self.policy),
            }
        }
    }

    /// The stream was disabled from outside: nothing more is sent; what has not ended stays open.
    pub fn disable(&mut self, now: Moment) {
        if self.phase == Phase::Enabled {
            self.tripped = false;
            self.freeze(now.wall);
        }
    }

    /// The stream was enabled: it goes on where it stands, with a clean row of failures.
    pub fn enable(&mut self) {
        self.phase = Phase::Enabled;
        self.tripped = false;
        self.disable = None;
        self.health.in_row = 0;
        self.watch.enabled(self.health, &self.policy);
        self.dirty = true;
        let in_memory: BTreeSet<Seq> =
            self.entries.values().filter(|entry| entry.origin == Origin::Log).map(|entry| entry.seq).collect();
        self.missing = self
            .window
            .open()
            .iter()
            .filter(|seq| !in_memory.contains(seq) && !self.loading.contains(seq))
            .copied()
            .collect();
    }

    /// The stream's rules have changed; they hold for what is decided from now on.
    pub fn set_policy(&mut self, policy: Policy) {
        let reordered = policy.ordering != self.policy.ordering;
        self.policy = policy;
        if reordered {
            self.reorder();
        }
    }

    /// The log has forgotten everything below `oldest`, and the failed deliveries of it have gone with it.
    pub fn failures_expired(&mut self, oldest: Seq) {
        self.failed = self.failed.split_off(&oldest);
        self.count_failed();
        self.watch.eased(self.health, &self.policy);
    }

    // ---- what to do ----------------------------------------------------------------------------------

    /// Adds what is to be done now to `orders`.
    pub fn orders(&mut self, now: Moment, orders: &mut Vec<Order<E>>) {
        while let Some((at, ticket)) = self.timers.first().copied().filter(|(at, _)| *at <= now.steady) {
            self.timers.remove(&(at, ticket));
            self.take_turn(ticket);
        }
        if self.phase == Phase::Enabled {
            let room = self.window_room();
            let mut seqs: Vec<Seq> = self.missing.iter().take(room).copied().collect();
            for seq in &seqs {
                self.missing.remove(seq);
            }
            self.loading.extend(seqs.iter().copied());
            if !self.restoring() {
                let due = self.parked.take_due(now.wall, self.wait_max(), room - seqs.len());
                self.loading.extend(due.iter().copied());
                seqs.extend(due);
            }
            if !seqs.is_empty() {
                orders.push(Order::Load(seqs));
            }
        }
        self.pace.begin();
        let (limit, rate) = (self.concurrency.limit(&self.policy.limits), self.policy.rate);
        while self.in_flight < limit && self.unsaved() + self.in_flight < self.policy.limits.unsaved_max {
            if !self.pace.allows(rate, now.steady) {
                break;
            }
            let Some(ticket) = self.ready.pop(self.beside_in_flight, limit) else { break };
            // An entry may have ended while it was in this queue.
            let Some(entry) = self.entries.get_mut(&ticket).filter(|entry| entry.state == State::Ready) else {
                continue;
            };
            entry.state = State::InFlight;
            self.pace.sent(rate, now.steady);
            self.in_flight += 1;
            self.beside_in_flight += usize::from(entry.origin.flow() == Flow::Beside);
            let attempt = entry.attempts_made + 1;
            orders.push(Order::Send { ticket, seq: entry.seq, attempt, payload: entry.payload.clone() });
        }
    }

    /// How long after `now` [`StreamCore::orders`] may have something new although nothing else happens.
    pub fn next_wait(&self, now: Moment) -> Option<Duration> {
        let retry = self.timers.first().map(|(at, _)| at.saturating_sub(now.steady));
        let paced = self.pace.held_until().map(|at| at.saturating_sub(now.steady));
        // Without room, an entry has to end first, and that is something happening. So is the answer to a load.
        let takes_up = self.phase == Phase::Enabled && self.window_room() > 0 && !self.restoring();
        let parked = self.parked.next_due().filter(|_| takes_up);
        let parked = parked.map(|due| due.since(now.wall).min(self.wait_max()));
        retry.into_iter().chain(paced).chain(parked).min()
    }

    /// What to save, if anything has changed since it was last taken. What is taken must be saved before
    /// the next is taken: rows are given out once.
    pub fn take_progress(&mut self) -> Option<Progress> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.redelivered_saving.append(&mut self.redelivered);
        self.delivered_saving += std::mem::take(&mut self.delivered);
        Some(Progress {
            position: self.position(),
            health: self.health,
            rows: std::mem::take(&mut self.rows),
            cycles: std::mem::take(&mut self.cycles),
            disable: self.disable.take(),
            alerts: self.watch.take(),
        })
    }

    /// What was taken last has been saved.
    pub fn progress_saved(&mut self) {
        self.redelivered_saving.clear();
        self.delivered_saving = 0;
    }

    /// Whether so much is unsaved that it should be taken and saved now: sending goes on meanwhile.
    pub fn save_due(&self) -> bool {
        self.rows.len() + self.delivered >= (self.policy.limits.unsaved_max / 2).max(1)
    }

    /// Something about the stream that is saved with its progress has changed outside of the core.
    pub fn touch(&mut self) {
        self.dirty = true;
    }

    // ---- what is -------------------------------------------------------------------------------------

    /// How many more events it takes from the log right now.
    pub fn room(&self) -> usize {
        let limits = &self.policy.limits;
        let full = self.bytes >= limits.window_bytes_max
            || self.parked.len() >= limits.parked_max
            || self.rows.len() >= limits.unsaved_max;
        if self.phase == Phase::Disabled || self.restoring() || full {
            return 0;
        }
        self.window_room()
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        Position { frontier: self.window.frontier(), open: self.window.open().iter().copied().collect() }
    }

    /// Everything below this has been looked at.
    pub fn frontier(&self) -> Seq {
        self.window.frontier()
    }

    /// The lowest position that is not settled.
    pub fn cursor(&self) -> Seq {
        self.window.cursor()
    }

    /// Its counters.
    pub const fn health(&self) -> Health {
        self.health
    }

    /// Whether it delivers what is in the log.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Requests in flight.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Events in memory.
    pub fn held(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of the events in memory.
    pub const fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// Parked events.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Events of the log that it has come to and that have not ended: those that are open, and parked ones.
    pub fn waiting(&self) -> usize {
        self.window.open().len() + self.parked.len()
    }

    // ---- parts ---------------------------------------------------------------------------------------

    fn hold_key(&self, subject: u64) -> HoldKey {
        self.policy.ordering.hold_key(subject)
    }

    /// How many more events have room in the window. What is being fetched has its room already.
    fn window_room(&self) -> usize {
        self.policy.limits.window_events_max.saturating_sub(self.entries.len() + self.loading.len())
    }

    /// Whether open positions are still to be fetched. Nothing else is taken up before that: it may have to wait for
    /// them, and they are not in their lanes yet. A parked event may, after another ordering, and so may a new one.
    fn restoring(&self) -> bool {
        !self.missing.is_empty() || self.loading.iter().any(|seq| self.window.open().contains(seq))
    }

    /// Whether an earlier open position is still to be fetched: two orders to load may be answered in any
    /// order, but events are taken up in theirs.
    fn awaits_earlier(&self, seq: Seq) -> bool {
        self.policy.ordering != Ordering::None
            && (self.missing.first().is_some_and(|first| *first < seq)
                || self.loading.range(..seq).any(|earlier| self.parked.get(*earlier).is_none()))
    }

    /// What a crash would have to be done again, and rows that would be lost.
    fn unsaved(&self) -> usize {
        self.rows.len() + self.delivered + self.delivered_saving
    }

    fn wait_max(&self) -> Duration {
        self.policy.schedule.wait_max()
    }
}
