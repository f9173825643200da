//! What one stream owes its receiver: kept by the world beside the core, and compared with it.
//!
//! The ledger learns what is expected when an event is appended or the stream is moved (from the settings in force
//! then), and what came of it from the receiver. It never asks the core what is settled. It has two views of each
//! event: `now`, what the process knows, and `saved`, what a process that starts would know.

mod attempts;
mod audit;
mod beside;
mod moves;
mod saving;

use std::collections::{BTreeMap, BTreeSet};

use domain::delivery::{Ordering, Ticket};
use domain::event::Seq;

use super::store::Event;
use beside::Beside;

pub(crate) use saving::Standings;

/// Whether an event has to be delivered from the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pending {
    /// It has to.
    Yes,
    /// It had been attempted when the core disabled the stream: the core records it as failed if it had it
    /// in memory, and leaves it parked if not. The next progress tells.
    Tripped,
    /// It has been, or has failed, or was passed over.
    No,
}

/// How an event stands. It can both have failed and have to be delivered once more, when the stream was moved back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    pending: Pending,
    /// It is a failed delivery.
    failed: bool,
}

#[derive(Debug)]
struct Expected {
    subject: u64,
    now: Standing,
    saved: Standing,
    /// The store holds that somebody asked to deliver it again.
    requested: bool,
    /// How often the receiver has accepted it, and how often that has an explanation.
    accepted: usize,
    explained: usize,
    /// The log has forgotten it, so nothing is owed any more.
    expired: bool,
}

/// An attempt under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Flight {
    pub(crate) ticket: Ticket,
    pub(crate) seq: Seq,
    pub(crate) attempt: u32,
    pub(crate) redelivery: bool,
    /// The stream was moved to before it meanwhile, so its answer counts for nothing.
    pub(crate) forgotten: bool,
}

/// What one stream owes its receiver.
#[derive(Debug)]
pub(crate) struct Ledger {
    ordering: Ordering,
    events: BTreeMap<Seq, Expected>,
    /// The pending ones by what they wait for.
    open: BTreeMap<u64, BTreeSet<Seq>>,
    /// Those whose standing is not saved.
    unsaved: BTreeSet<Seq>,
    /// Those that the store has to hold as open or parked.
    unsettled: BTreeSet<Seq>,
    /// Those with a failed attempt in this cycle.
    tried: BTreeSet<Seq>,
    tripped: bool,
    /// Those of which only the next progress tells whether they have failed.
    unknown: BTreeSet<Seq>,
    beside: Beside,
    /// The rows of failed deliveries that were written or ended since progress was last taken, and whether the
    /// delivery stands as failed. A request to deliver it again has ended with that.
    rewritten: BTreeMap<Seq, bool>,
    in_flight: BTreeMap<Ticket, Flight>,
    /// Rows that the core has to have for what was decided since its progress was last taken; parked ones
    /// are not counted.
    rows: usize,
    /// Deliveries since progress was last taken; and those that are being saved.
    delivered: usize,
    delivered_saving: usize,
    in_row: u32,
    failed: usize,
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
            unknown: BTreeSet::new(),
            beside: Beside::default(),
            rewritten: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            rows: 0,
            delivered: 0,
            delivered_saving: 0,
            in_row: 0,
            failed: 0,
        }
    }

    /// An event that the stream is to get was appended.
    pub(crate) fn expect(&mut self, event: &Event) {
        let standing = Standing { pending: Pending::Yes, failed: false };
        self.learn(event, standing);
        self.set_saved(event.seq, |saved| saved.pending = Pending::Yes);
        self.set(event.seq, |now| now.pending = Pending::Yes);
        self.explain(event.seq);
    }

    /// An event that nothing was known of, because the stream did not want it when it was raised.
    fn learn(&mut self, event: &Event, standing: Standing) {
        let Event { seq, subject, .. } = *event;
        let fresh = Expected {
            subject,
            now: Standing { pending: Pending::No, ..standing },
            saved: Standing { pending: Pending::No, ..standing },
            requested: false,
            accepted: 0,
            explained: 0,
            expired: false,
        };
        self.events.entry(seq).or_insert(fresh);
    }

    /// One more acceptance of it has an explanation.
    fn explain(&mut self, seq: Seq) {
        if let Some(expected) = self.events.get_mut(&seq) {
            expected.explained += 1;
        }
    }

    fn lane(&self, subject: u64) -> u64 {
        if self.ordering == Ordering::Subject { subject } else { 0 }
    }

    /// Changes what the process knows of an event.
    fn set(&mut self, seq: Seq, change: impl FnOnce(&mut Standing)) {
        let Some(expected) = self.events.get_mut(&seq) else { return };
        let before = expected.now;
        change(&mut expected.now);
        let (after, expired, subject) = (expected.now, expected.expired, expected.subject);
        if after == expected.saved {
            self.unsaved.remove(&seq);
        } else {
            self.unsaved.insert(seq);
        }
        let lane = self.lane(subject);
        let open = self.open.entry(lane).or_default();
        if after.pending == Pending::Yes && !expired {
            open.insert(seq);
        } else {
            open.remove(&seq);
        }
        self.failed = self.failed + usize::from(after.failed) - usize::from(before.failed);
    }

    /// Changes what the store holds of an event.
    fn set_saved(&mut self, seq: Seq, change: impl FnOnce(&mut Standing)) {
        let Some(expected) = self.events.get_mut(&seq) else { return };
        change(&mut expected.saved);
        if expected.saved.pending == Pending::No || expected.expired {
            self.unsettled.remove(&seq);
        } else {
            self.unsettled.insert(seq);
        }
        self.set(seq, |_| {});
    }

    fn now(&self, seq: Seq) -> Option<Standing> {
        self.events.get(&seq).map(|expected| expected.now)
    }

    /// Attempts under way.
    pub(crate) fn in_flight(&self) -> Vec<Flight> {
        self.in_flight.values().copied().collect()
    }

    /// What a crash at this moment may repeat, and what it would lose of rows at least.
    pub(crate) fn unsaved(&self) -> usize {
        self.rows + self.delivered + self.delivered_saving + self.in_flight.len()
    }

    /// The core was told that what was taken of it is saved.
    pub(crate) fn told_saved(&mut self) {
        self.delivered_saving = 0;
    }

    /// The events that the process knows of from a position on.
    fn from(&self, seq: Seq) -> Vec<Seq> {
        self.events.range(seq..).map(|(seq, _)| *seq).collect()
    }

    /// A user has asked for a redelivery.
    pub(crate) fn requested(&mut self, seq: Seq) {
        if let Some(expected) = self.events.get_mut(&seq) {
            expected.requested = true;
        }
    }
}
