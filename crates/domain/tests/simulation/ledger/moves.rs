//! Streams that are moved, other orderings, and a log that forgets.

use domain::delivery::Ordering;
use domain::event::Seq;

use super::super::store::Event;
use super::{Ledger, Pending, Standing};

impl Ledger {
    /// The store has moved the stream, which had looked at everything below `frontier`, to `to`. From there on it is to
    /// get `wanted`; what it had not come to below is passed over.
    pub(crate) fn moved_in_store(&mut self, to: Seq, frontier: Seq, wanted: &[Event]) {
        for seq in self.events.range(frontier.min(to)..).map(|(seq, _)| *seq).collect::<Vec<_>>() {
            self.set_saved(seq, |saved| saved.pending = Pending::No);
        }
        self.wanted_in_store(wanted);
    }

    /// The store has enabled the stream, which is to get `wanted` of what it has missed.
    pub(crate) fn resumed_in_store(&mut self, from: Seq, wanted: &[Event]) {
        for seq in self.from(from) {
            self.set_saved(seq, |saved| saved.pending = Pending::No);
        }
        self.wanted_in_store(wanted);
    }

    fn wanted_in_store(&mut self, wanted: &[Event]) {
        for event in wanted {
            self.learn(event, Standing { pending: Pending::No, failed: false });
            self.set_saved(event.seq, |saved| saved.pending = Pending::Yes);
        }
    }

    /// The core was told of a move to `to`, when it had taken up what it wanted below `frontier`; true if something was
    /// in flight that counts for nothing now.
    pub(crate) fn moved(&mut self, to: Seq, frontier: Seq) -> bool {
        for seq in self.events.range(frontier.min(to)..to).map(|(seq, _)| *seq).collect::<Vec<_>>() {
            self.set(seq, |now| now.pending = Pending::No);
        }
        let mut forgotten = false;
        for flight in self.in_flight.values_mut().filter(|flight| flight.seq >= to && !flight.redelivery) {
            forgotten |= !flight.forgotten;
            flight.forgotten = true;
        }
        let flying: Vec<Seq> = self.in_flight.values().filter(|each| each.forgotten).map(|each| each.seq).collect();
        self.tried.retain(|seq| *seq < to);
        for seq in self.from(to) {
            self.know_again(seq, flying.contains(&seq));
        }
        forgotten
    }

    /// What the store holds of an event is what the process knows now.
    pub(super) fn know_again(&mut self, seq: Seq, flying: bool) {
        let Some(expected) = self.events.get(&seq) else { return };
        let (now, saved) = (expected.now, expected.saved);
        if saved.pending == Pending::Yes && (flying || now.pending != Pending::Yes) {
            self.explain(seq);
        }
        self.set(seq, |now| now.pending = saved.pending);
    }

    /// The core was told of another ordering.
    pub(crate) fn reordered(&mut self, ordering: Ordering) {
        self.ordering = ordering;
        self.open.clear();
        for seq in self.from(Seq::ZERO) {
            self.set(seq, |_| {});
        }
    }

    /// The log has forgotten everything below `oldest`, and the store its failed deliveries with it.
    pub(crate) fn expired_in_store(&mut self, oldest: Seq, running: bool) {
        self.beside.expire(oldest);
        let gone: Vec<Seq> = self.events.range(..oldest).map(|(seq, _)| *seq).collect();
        for seq in gone {
            if let Some(expected) = self.events.get_mut(&seq) {
                expected.expired = true;
                expected.requested = false;
            }
            self.set_saved(seq, |saved| saved.failed = false);
            if !running {
                self.set(seq, |now| now.failed = false);
            }
        }
    }

    /// The core was told so.
    pub(crate) fn expired(&mut self, oldest: Seq) {
        for seq in self.events.range(..oldest).map(|(seq, _)| *seq).collect::<Vec<_>>() {
            self.set(seq, |now| now.failed = false);
        }
    }
}
