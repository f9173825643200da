//! What may be sent (invariants 3 and 7), and what came of it.

use std::collections::BTreeSet;

use domain::delivery::{Cause, Ordering, Policy, Position, Ticket};
use domain::event::Seq;

use super::super::Checked;
use super::{Flight, Ledger, Pending};

/// What a failed attempt has led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ended {
    /// No further one is made.
    pub(crate) last: bool,
    /// There is a failed delivery more.
    pub(crate) new: bool,
    /// It is one that had failed before, and was come to again after a move.
    pub(crate) again: bool,
}

impl Ledger {
    /// The core wants an event sent.
    pub(crate) fn sent(&mut self, flight: Flight) -> Checked {
        let Flight { seq, redelivery, .. } = flight;
        let Some(expected) = self.events.get(&seq) else {
            return Err(format!("{seq:?} is sent although the stream never wanted it"));
        };
        let subject = expected.subject;
        let now = expected.now;
        if redelivery && self.beside.cause(seq).is_none() {
            return Err(format!("{seq:?} is redelivered although it stands as {now:?} and was not asked for"));
        }
        if !redelivery && now.pending == Pending::Tripped {
            self.set(seq, |now| now.pending = Pending::Yes);
        }
        if !redelivery && now.pending == Pending::No {
            return Err(format!("{seq:?} is sent although it stands as {now:?}"));
        }
        let same_lane = |other: &Flight| {
            other.seq == seq
                || match self.ordering {
                    Ordering::None => false,
                    Ordering::Strict => true,
                    Ordering::Subject => self.events.get(&other.seq).is_some_and(|event| event.subject == subject),
                }
        };
        if let Some(other) = self.in_flight.values().find(|other| same_lane(other)) {
            return Err(format!("{seq:?} is sent while {:?} of the same lane is in flight", other.seq));
        }
        if !redelivery && self.ordering != Ordering::None {
            let first = self.open.get(&self.lane(subject)).and_then(BTreeSet::first).copied();
            if let Some(first) = first.filter(|first| *first < seq) {
                return Err(format!("{seq:?} is sent before {first:?} of the same lane has ended"));
            }
        }
        if redelivery {
            self.turn_order(seq, subject)?;
        }
        self.in_flight.insert(flight.ticket, flight);
        Ok(())
    }

    fn landed(&mut self, ticket: Ticket) -> Result<Flight, String> {
        self.in_flight.remove(&ticket).ok_or_else(|| format!("{ticket:?} was not in flight"))
    }

    /// The receiver has accepted the event; true if it had accepted it before.
    pub(crate) fn delivered(&mut self, ticket: Ticket) -> Result<bool, String> {
        self.in_row = 0;
        self.done_with(ticket, true)
    }

    /// The stream's filter did not let the event pass; true if it has been done with before.
    pub(crate) fn filtered_out(&mut self, ticket: Ticket) -> Result<bool, String> {
        self.done_with(ticket, false)
    }

    fn done_with(&mut self, ticket: Ticket, counts: bool) -> Result<bool, String> {
        let flight = self.landed(ticket)?;
        let seq = flight.seq;
        self.delivered += 1;
        if counts && !flight.forgotten {
            self.beside.count_delivered();
        }
        if flight.redelivery {
            // Whoever asked for it knows that it is made once more.
            match self.beside.land(seq) {
                Some(Cause::OutOfTurn) => {
                    self.rows += 1;
                    self.beside.end(seq, Cause::OutOfTurn, true);
                }
                _ => self.explain(seq),
            }
        } else if !flight.forgotten {
            self.tried.remove(&seq);
            self.set(seq, |now| now.pending = Pending::No);
        }
        if !flight.forgotten && self.now(seq).is_some_and(|now| now.failed) {
            self.rows += 1;
            self.rewritten.insert(seq, false);
            self.beside.end(seq, Cause::Failed, true);
            self.set(seq, |now| now.failed = false);
        }
        let Some(expected) = self.events.get_mut(&seq) else { return Ok(false) };
        expected.accepted += 1;
        if expected.accepted > expected.explained {
            return Err(format!("{seq:?} was delivered again although neither crash, move nor request explains it"));
        }
        Ok(expected.accepted > 1)
    }

    /// An attempt has failed; `last` if no further one is made.
    pub(crate) fn failed(&mut self, ticket: Ticket, last: bool, enabled: bool) -> Result<Ended, String> {
        let flight = self.landed(ticket)?;
        self.beside.count_attempt_failed();
        let seq = flight.seq;
        if flight.forgotten {
            return Ok(Ended::default());
        }
        let last = last || (!flight.redelivery && !enabled && self.tripped);
        if !last {
            if !flight.redelivery {
                self.tried.insert(seq);
            }
            return Ok(Ended::default());
        }
        self.in_row += 1;
        let again = self.now(seq).is_some_and(|now| now.failed);
        let cause = flight.redelivery.then(|| self.beside.land(seq).unwrap_or(Cause::Failed));
        if cause == Some(Cause::Failed) {
            if again {
                self.rows += 1;
                self.rewritten.insert(seq, true);
                self.beside.end(seq, Cause::Failed, false);
                self.beside.count_failed();
            }
            return Ok(Ended { last, new: false, again: false });
        }
        self.beside.count_failed();
        self.rows += 1;
        if cause == Some(Cause::OutOfTurn) {
            self.rows += 1;
            self.beside.end(seq, Cause::OutOfTurn, false);
        } else {
            self.tried.remove(&seq);
        }
        if !again {
            self.rewritten.insert(seq, true);
        }
        self.set(seq, |now| {
            if cause.is_none() {
                now.pending = Pending::No;
            }
            now.failed = true;
        });
        Ok(Ended { last, new: !again, again })
    }

    // ---- a stream is disabled and enabled -----------------------------------------------------------------

    /// The core has disabled the stream: what had been attempted is to be recorded as failed.
    pub(crate) fn trip(&mut self) {
        self.tripped = true;
        let flying: BTreeSet<Seq> = self.in_flight.values().map(|flight| flight.seq).collect();
        for seq in std::mem::take(&mut self.tried) {
            if flying.contains(&seq) {
                self.tried.insert(seq);
            } else if self.now(seq).is_some_and(|now| now.pending == Pending::Yes) {
                self.unknown.insert(seq);
                self.beside.count_tripped();
                self.set(seq, |now| now.pending = Pending::Tripped);
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

    /// Failed events since the last success or enabling, and failed deliveries, as far as they are known.
    pub(crate) fn counted(&self) -> (u32, Option<usize>) {
        (self.in_row, self.unknown.is_empty().then_some(self.failed))
    }

    /// Whether a failed event disables the stream now.
    pub(crate) fn too_many(&self, policy: &Policy, outstanding: u32) -> (bool, bool) {
        (self.in_row >= policy.failures_in_row_max, outstanding >= policy.failures_outstanding_max)
    }
}
