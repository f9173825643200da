//! What one stream owes its receiver: kept by the world beside the core, and compared with it.
//!
//! The ledger learns what is expected when an event is appended (from the settings in force then), and what
//! came of it from the receiver. It never asks the core what is settled.

use std::collections::{BTreeMap, BTreeSet};

use domain::delivery::{Attempt, Ordering, Policy, Position, Progress, RowChange, Ticket};
use domain::event::Seq;

use super::Checked;
use super::store::{Event, StoredStream};

/// How an event stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It has to be delivered.
    Open,
    /// It had been attempted when the core disabled the stream: the core records it as failed if it had it
    /// in memory, and leaves it parked if not. The next progress tells.
    Tripped,
    Delivered,
    Failed,
}

/// How an event stands, and whether a redelivery of it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    pub(crate) state: State,
    pub(crate) requested: bool,
}

/// Standings that a checkpoint takes along.
pub(crate) type Standings = Vec<(Seq, Standing)>;

#[derive(Debug)]
struct Expected {
    subject: u64,
    now: Standing,
    saved: Standing,
    /// The receiver has accepted it at least once.
    arrived: bool,
}

/// An attempt under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Flight {
    pub(crate) ticket: Ticket,
    pub(crate) seq: Seq,
    pub(crate) attempt: u32,
    pub(crate) redelivery: bool,
}

/// What one stream owes its receiver.
#[derive(Debug)]
pub(crate) struct Ledger {
    ordering: Ordering,
    events: BTreeMap<Seq, Expected>,
    /// The open ones by what they wait for.
    open: BTreeMap<u64, BTreeSet<Seq>>,
    /// Those whose standing is not saved.
    unsaved: BTreeSet<Seq>,
    /// Those that the store has neither as delivered nor as failed.
    unsettled: BTreeSet<Seq>,
    /// Those with a failed attempt in this cycle.
    tried: BTreeSet<Seq>,
    tripped: bool,
    in_flight: BTreeMap<Ticket, Flight>,
    /// Rows that the core has to have for what was decided since its progress was last taken; parked ones
    /// are not counted.
    rows: usize,
    in_row: u32,
    failed: usize,
    /// How many events may be delivered once more because of crashes.
    repeats_allowed: usize,
}

impl Ledger {
    pub(crate) fn new(ordering: Ordering) -> Self {
        Self {
            ordering,
            events: BTreeMap::new(),
            open: BTreeMap::new(),
            unsaved: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            tried: BTreeSet::new(),
            tripped: false,
            in_flight: BTreeMap::new(),
            rows: 0,
            in_row: 0,
            failed: 0,
            repeats_allowed: 0,
        }
    }

    /// An event that the stream is to get was appended.
    pub(crate) fn expect(&mut self, event: &Event) {
        let standing = Standing { state: State::Open, requested: false };
        let expected = Expected { subject: event.subject, now: standing, saved: standing, arrived: false };
        self.events.insert(event.seq, expected);
        self.unsettled.insert(event.seq);
        self.open.entry(self.lane(event.subject)).or_default().insert(event.seq);
    }

    fn lane(&self, subject: u64) -> u64 {
        if self.ordering == Ordering::Subject { subject } else { 0 }
    }

    fn set(&mut self, seq: Seq, change: impl FnOnce(&mut Standing)) {
        let Some(expected) = self.events.get_mut(&seq) else { return };
        let before = expected.now.state;
        change(&mut expected.now);
        let (after, saved, subject) = (expected.now.state, expected.now == expected.saved, expected.subject);
        if saved {
            self.unsaved.remove(&seq)
        } else {
            self.unsaved.insert(seq)
        };
        let open = self.open.entry(self.lane(subject)).or_default();
        if after == State::Open {
            open.insert(seq)
        } else {
            open.remove(&seq)
        };
        self.failed = self.failed + usize::from(after == State::Failed) - usize::from(before == State::Failed);
    }

    fn state(&self, seq: Seq) -> Option<State> {
        self.events.get(&seq).map(|expected| expected.now.state)
    }

    /// Attempts under way.
    pub(crate) fn in_flight(&self) -> Vec<Flight> {
        self.in_flight.values().copied().collect()
    }

    /// Rows that are not saved at least.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    // ---- invariants 3 and 7: what may be sent ---------------------------------------------------------

    /// The core wants an event sent.
    pub(crate) fn sent(&mut self, flight: Flight) -> Checked {
        let Flight { seq, redelivery, .. } = flight;
        let Some(expected) = self.events.get(&seq) else {
            return Err(format!("{seq:?} is sent although the stream did not want it when it was raised"));
        };
        let subject = expected.subject;
        let now = expected.now;
        if redelivery && !(now.state == State::Failed && now.requested) {
            return Err(format!("{seq:?} is redelivered although it stands as {now:?}"));
        }
        if !redelivery && now.state == State::Tripped {
            self.set(seq, |standing| standing.state = State::Open);
        }
        if !redelivery && !matches!(now.state, State::Open | State::Tripped) {
            return Err(format!("{seq:?} is sent again although it stands as {now:?}"));
        }
        let overlaps = |other: &Flight| {
            other.seq == seq
                || match self.ordering {
                    Ordering::None => false,
                    Ordering::Strict => true,
                    Ordering::Subject => self.events.get(&other.seq).is_some_and(|event| event.subject == subject),
                }
        };
        if let Some(other) = self.in_flight.values().find(|other| overlaps(other)) {
            return Err(format!("{seq:?} is sent while {:?} of the same lane is in flight", other.seq));
        }
        if !redelivery && self.ordering != Ordering::None {
            let first = self.open.get(&self.lane(subject)).and_then(BTreeSet::first).copied();
            if let Some(first) = first.filter(|first| *first < seq) {
                return Err(format!("{seq:?} is sent before {first:?} of the same lane has ended"));
            }
        }
        self.in_flight.insert(flight.ticket, flight);
        Ok(())
    }

    // ---- what came of it --------------------------------------------------------------------------------

    fn landed(&mut self, ticket: Ticket) -> Option<Flight> {
        self.in_flight.remove(&ticket)
    }

    /// The receiver has accepted the event; true if it had accepted it before.
    pub(crate) fn delivered(&mut self, ticket: Ticket) -> Result<bool, String> {
        let Some(flight) = self.landed(ticket) else { return Err(format!("{ticket:?} was not in flight")) };
        self.in_row = 0;
        self.rows += usize::from(flight.redelivery);
        self.tried.remove(&flight.seq);
        self.set(flight.seq, |standing| *standing = Standing { state: State::Delivered, requested: false });
        let Some(expected) = self.events.get_mut(&flight.seq) else { return Ok(false) };
        let repeat = std::mem::replace(&mut expected.arrived, true);
        if repeat {
            let Some(left) = self.repeats_allowed.checked_sub(1) else {
                return Err(format!("{:?} was delivered again although no crash explains it", flight.seq));
            };
            self.repeats_allowed = left;
        }
        Ok(repeat)
    }

    /// An attempt has failed; `last` if no further one is made. True if the delivery has failed with it.
    pub(crate) fn failed(&mut self, ticket: Ticket, last: bool, enabled: bool) -> Result<bool, String> {
        let Some(flight) = self.landed(ticket) else { return Err(format!("{ticket:?} was not in flight")) };
        let seq = flight.seq;
        let last = last || (!flight.redelivery && !enabled && self.tripped);
        if last {
            self.in_row += 1;
            self.rows += 1;
            self.tried.remove(&seq);
            self.set(seq, |standing| *standing = Standing { state: State::Failed, requested: false });
        } else if !flight.redelivery {
            self.tried.insert(seq);
        }
        Ok(last)
    }

    /// The core has disabled the stream: what had been attempted is to be recorded as failed.
    pub(crate) fn trip(&mut self) {
        self.tripped = true;
        let flying: BTreeSet<Seq> = self.in_flight.values().map(|flight| flight.seq).collect();
        for seq in std::mem::take(&mut self.tried) {
            if flying.contains(&seq) {
                self.tried.insert(seq);
            } else if self.state(seq) == Some(State::Open) {
                self.set(seq, |standing| standing.state = State::Tripped);
            }
        }
    }

    /// The shell has told the core of a user's disabling. What has not ended begins anew later.
    pub(crate) fn disabled(&mut self, position: &Position) {
        self.tripped = false;
        self.set_aside(position);
    }

    /// Open positions that are not in flight while the stream is disabled begin anew later.
    pub(crate) fn set_aside(&mut self, position: &Position) {
        let flying: BTreeSet<Seq> = self.in_flight.values().map(|flight| flight.seq).collect();
        self.tried.retain(|seq| flying.contains(seq) || position.open.binary_search(seq).is_err());
    }

    /// The shell has told the core that the stream is enabled.
    pub(crate) fn enabled(&mut self) {
        self.tripped = false;
        self.in_row = 0;
    }

    /// A user has asked for a redelivery.
    pub(crate) fn requested(&mut self, seq: Seq) {
        if let Some(expected) = self.events.get_mut(&seq) {
            expected.saved.requested = true;
            expected.now.requested = true;
        }
        self.set(seq, |_| {});
    }

    // ---- saving -------------------------------------------------------------------------------------------

    /// The core has given its progress; answers what is saved along with it.
    pub(crate) fn taken(&mut self, progress: &Progress) -> Result<Standings, String> {
        self.rows = 0;
        for row in &progress.rows {
            if let RowChange::Failed { seq, attempts, .. } = row {
                match self.state(*seq) {
                    Some(State::Failed) => {}
                    Some(State::Tripped) => self.set(*seq, |standing| standing.state = State::Failed),
                    other => return Err(format!("{seq:?} is recorded as failed although it stands as {other:?}")),
                }
                if attempts.is_empty() {
                    return Err(format!("{seq:?} is recorded as failed although it was never attempted"));
                }
            }
        }
        let tripped: Vec<Seq> =
            self.unsaved.iter().copied().filter(|seq| self.state(*seq) == Some(State::Tripped)).collect();
        for seq in tripped {
            if progress.position.open.binary_search(&seq).is_ok() {
                return Err(format!("{seq:?} had been attempted when the stream was disabled; it is not recorded"));
            }
            self.tried.insert(seq);
            self.set(seq, |standing| standing.state = State::Open);
        }
        Ok(self.unsaved.iter().filter_map(|seq| self.events.get(seq).map(|event| (*seq, event.now))).collect())
    }

    /// A checkpoint was saved.
    pub(crate) fn saved(&mut self, standings: &Standings) {
        for (seq, standing) in standings {
            if let Some(expected) = self.events.get_mut(seq) {
                expected.saved = *standing;
            }
            if standing.state == State::Open {
                self.unsettled.insert(*seq)
            } else {
                self.unsettled.remove(seq)
            };
            self.set(*seq, |_| {});
        }
    }

    /// Whether all that happened is saved.
    pub(crate) fn is_saved(&self) -> bool {
        self.unsaved.is_empty()
    }

    /// The process has ended: what was not saved is unknown again. `accepted` had reached the receiver.
    pub(crate) fn crash(&mut self, accepted: impl Fn(&Flight) -> bool) {
        for flight in std::mem::take(&mut self.in_flight).into_values() {
            if accepted(&flight) {
                self.repeats_allowed += 1;
                if let Some(expected) = self.events.get_mut(&flight.seq) {
                    expected.arrived = true;
                }
            }
        }
        for seq in std::mem::take(&mut self.unsaved) {
            if self.state(seq) == Some(State::Delivered) {
                self.repeats_allowed += 1;
            }
            let Some(saved) = self.events.get(&seq).map(|expected| expected.saved) else { continue };
            self.set(seq, |standing| *standing = saved);
        }
        self.tried.clear();
        self.rows = 0;
        self.tripped = false;
    }

    /// A core goes on from what the store holds.
    pub(crate) fn restored(&mut self, stored: &StoredStream) {
        let tried = |attempts: &[Attempt]| !attempts.is_empty();
        self.tried = stored.parked.values().filter(|row| tried(&row.attempts)).map(|row| row.seq).collect();
        self.in_row = stored.health.in_row;
    }

    // ---- invariants over the whole ----------------------------------------------------------------------

    /// Failed events since the last success or enabling, and failed deliveries, as far as they are known.
    pub(crate) fn counted(&self) -> (u32, Option<usize>) {
        let known = !self.unsaved.iter().any(|seq| self.state(*seq) == Some(State::Tripped));
        (self.in_row, known.then_some(self.failed))
    }

    /// Whether a failed event disables the stream now.
    pub(crate) fn too_many(&self, policy: &Policy, outstanding: u32) -> (bool, bool) {
        (self.in_row >= policy.failures_in_row_max, outstanding >= policy.failures_outstanding_max)
    }

    /// A restart at this moment would lose nothing: whatever the store claims to be settled is.
    pub(crate) fn audit(&self, stored: &StoredStream, head: Seq) -> Checked {
        let frontier = stored.frontier(head);
        for seq in self.unsettled.range(..frontier) {
            let open = stored.position.open.binary_search(seq).is_ok();
            if !open && !stored.parked.contains_key(seq) {
                return Err(format!(
                    "{seq:?} is lost: the store is at {frontier:?} (at head: {}), has {:?} open and no row of it",
                    stored.at_head, stored.position.open
                ));
            }
        }
        let settled = |seq: &&Seq| !self.unsettled.contains(seq);
        if let Some(seq) = stored.position.open.iter().chain(stored.parked.keys()).find(settled) {
            return Err(format!("the store holds {seq:?} as open although it is settled"));
        }
        let failed = |(_, expected): &(&Seq, &Expected)| expected.saved.state == State::Failed;
        let ours: Vec<_> = self.events.iter().filter(failed).map(|(seq, each)| (*seq, each.saved.requested)).collect();
        let theirs: Vec<_> = stored.failures.iter().map(|(seq, requested)| (*seq, *requested)).collect();
        if ours != theirs {
            return Err(format!("failed deliveries are {ours:?} but the store holds {theirs:?}"));
        }
        Ok(())
    }

    /// At the end: everything has arrived or stands as a failed delivery.
    pub(crate) fn settled(&self, stored: &StoredStream) -> Checked {
        let owed = self.events.iter().find(|(seq, expected)| !expected.arrived && !stored.failures.contains_key(*seq));
        match owed {
            None => Ok(()),
            Some((seq, expected)) => Err(format!("{seq:?} never arrived and did not fail: {:?}", expected.now)),
        }
    }
}
