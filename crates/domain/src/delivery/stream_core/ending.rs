//! How entries end: delivered, failed, parked, or set aside because the stream is disabled.

use std::collections::BTreeSet;
use std::time::Duration;

use super::entries::{Entry, Origin, State};
use super::{Phase, StreamCore, Ticket};
use crate::clock::Timestamp;
use crate::delivery::lanes::Flow;
use crate::delivery::progress::{Parked, RowChange};
use crate::event::Seq;

impl<E: Clone> StreamCore<E> {
    /// Ends an entry of which nothing is left to do. `delivered` is how long the attempt took that delivered it; without,
    /// the stream's filter did not let it pass, and no delivery is counted.
    pub(super) fn end_settled(&mut self, ticket: Ticket, delivered: Option<Duration>) {
        let Some(Entry { seq, origin, .. }) = self.remove(ticket) else { return };
        self.delivered += 1;
        match origin {
            Origin::Log => self.window.settle(seq),
            Origin::Parked => {
                self.parked.remove(seq);
                self.rows.push(RowChange::Unparked { seq });
            }
            Origin::Redelivery => {}
            Origin::OutOfTurn => self.rows.push(RowChange::TurnEnded { seq, delivered: true }),
            Origin::Forgotten => return,
        }
        if let Some(duration) = delivered {
            self.cycles.count_delivered(duration);
        }
        if self.failed.remove(&seq) {
            self.count_failed();
            self.rows.push(RowChange::Recovered { seq });
        }
    }

    pub(super) fn end_failed(&mut self, now: Timestamp, ticket: Ticket) {
        let Some(Entry { seq, origin, attempts, .. }) = self.remove(ticket) else { return };
        self.health.failed();
        let again = self.failed.contains(&seq);
        match origin {
            Origin::Log => self.window.settle(seq),
            Origin::Parked => {
                self.parked.remove(seq);
                if again {
                    self.rows.push(RowChange::Unparked { seq });
                }
            }
            // Read once more and delivered, or forgotten by the log: nothing of it is left.
            Origin::Redelivery if !again => return,
            Origin::Redelivery => {}
            Origin::OutOfTurn => self.rows.push(RowChange::TurnEnded { seq, delivered: false }),
            Origin::Forgotten => return,
        }
        self.cycles.failed += 1;
        if again {
            self.rows.push(RowChange::FailedAgain { seq, attempts, redelivery: origin == Origin::Redelivery });
        } else {
            self.failed.insert(seq);
            self.count_failed();
            self.rows.push(RowChange::Failed { seq, at: now, attempts });
        }
    }

    pub(super) fn count_failed(&mut self) {
        self.health.outstanding = count_of(&self.failed);
        self.dirty = true;
    }

    /// Parks an entry, and whoever waits behind it in its lane.
    pub(super) fn end_parked(&mut self, now: Timestamp, ticket: Ticket, wait: Duration) {
        let Some(lane) = self.entries.get(&ticket).map(|entry| entry.lane) else { return };
        // From the back, so that none of them gets its turn in between.
        for behind in self.lanes.waiting(lane).into_iter().rev() {
            let parks = |entry: &Entry<E>| entry.origin.flow() == Flow::Log && entry.state != State::InFlight;
            if self.entries.get(&behind).is_some_and(parks) {
                self.park_entry(behind, now);
            }
        }
        self.park_entry(ticket, now.plus(wait));
    }

    pub(super) fn park_entry(&mut self, ticket: Ticket, due: Timestamp) {
        let Some(Entry { seq, subject, origin, attempts, .. }) = self.remove(ticket) else { return };
        if origin == Origin::Log {
            self.window.settle(seq);
        }
        self.park(Parked { seq, subject, due, attempts });
    }

    pub(super) fn park(&mut self, parked: Parked) {
        let key = self.hold_key(parked.subject);
        self.rows.push(RowChange::Parked(parked.clone()));
        self.parked.park(key, parked);
    }

    /// Forgets an entry that has not ended: its position stays open, its row stays parked.
    pub(super) fn set_aside(&mut self, ticket: Ticket) {
        if let Some(Entry { seq, origin: Origin::Parked, .. }) = self.remove(ticket) {
            self.parked.put_back(seq);
        }
    }

    /// Stops sending what is in the log. Where the core itself disables the stream, what has been tried is
    /// recorded as failed, so that it can be redelivered; what has not been tried stays open.
    pub(super) fn freeze(&mut self, now: Timestamp) {
        self.phase = Phase::Disabled;
        self.dirty = true;
        self.missing.clear();
        let mut idle: Vec<Ticket> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.origin.flow() == Flow::Log && entry.state != State::InFlight)
            .map(|(ticket, _)| *ticket)
            .collect();
        idle.sort_unstable();
        for ticket in idle.into_iter().rev() {
            let tried = self.entries.get(&ticket).is_some_and(|entry| entry.attempts_made > 0);
            if tried && self.tripped { self.end_failed(now, ticket) } else { self.set_aside(ticket) }
        }
    }
}

pub(super) fn count_of(failed: &BTreeSet<Seq>) -> u32 {
    u32::try_from(failed.len()).unwrap_or(u32::MAX)
}
