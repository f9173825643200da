//! What the core has in memory: an entry for each event that it has taken up, and whose turn it is.

use std::time::Duration;

use super::{StreamCore, Ticket};
use crate::delivery::lanes::{Flow, LaneKey};
use crate::delivery::outcome::Attempt;
use crate::event::Seq;

/// Where an entry comes from, and so which row stands for it in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// The log: no row; the position is open in the window.
    Log,
    /// A parked row.
    Parked,
    /// A failed delivery's row.
    Redelivery,
    /// The row of an event that is delivered out of turn.
    OutOfTurn,
    /// Nothing any more: the stream was moved back while it was in flight, and will read it again.
    Forgotten,
}

impl Origin {
    pub(super) const fn flow(self) -> Flow {
        match self {
            Self::Redelivery | Self::OutOfTurn => Flow::Beside,
            Self::Log | Self::Parked | Self::Forgotten => Flow::Log,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Waits for its turn in its lane.
    Queued,
    /// May be sent.
    Ready,
    /// Is being sent.
    InFlight,
    /// Waits to be tried again.
    Waiting(Duration),
}

#[derive(Debug)]
pub(super) struct Entry<E> {
    pub(super) seq: Seq,
    pub(super) subject: u64,
    pub(super) origin: Origin,
    pub(super) lane: LaneKey,
    pub(super) state: State,
    pub(super) bytes: usize,
    pub(super) attempts_made: u32,
    pub(super) attempts: Vec<Attempt>,
    pub(super) payload: E,
}

impl<E: Clone> StreamCore<E> {
    pub(super) fn take_up(
        &mut self,
        seq: Seq,
        subject: u64,
        bytes: usize,
        origin: Origin,
        attempts: Vec<Attempt>,
        payload: E,
    ) {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let lane = LaneKey::of(self.policy.ordering, subject, seq);
        let attempts_made = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        let state = State::Queued;
        let entry = Entry { seq, subject, origin, lane, state, bytes, attempts_made, attempts, payload };
        self.bytes += bytes;
        self.entries.insert(ticket, entry);
        if self.lanes.join(lane, ticket, origin.flow()) {
            self.make_ready(ticket);
        }
    }

    pub(super) fn try_again(&mut self, ticket: Ticket, at: Duration) {
        let Some(entry) = self.entries.get_mut(&ticket) else { return };
        entry.state = State::Waiting(at);
        self.timers.insert((at, ticket));
        if entry.origin.flow() == Flow::Beside {
            let lane = entry.lane;
            let next = self.lanes.rest(lane, ticket, self.unordered.is_empty());
            self.give_turn(next);
        }
    }

    /// It is the turn of `next` in its lane.
    pub(super) fn give_turn(&mut self, next: Option<Ticket>) {
        if let Some(next) = next.filter(|next| self.entries.get(next).is_some_and(|next| next.state == State::Queued)) {
            self.make_ready(next);
        }
    }

    pub(super) fn make_ready(&mut self, ticket: Ticket) {
        if let Some(entry) = self.entries.get_mut(&ticket) {
            entry.state = State::Ready;
            self.ready.push(ticket, entry.origin.flow());
        }
    }

    /// Takes an entry out of memory and gives its lane to the next.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Entry<E>> {
        let entry = self.entries.remove(&ticket)?;
        self.bytes -= entry.bytes;
        if let State::Waiting(at) = entry.state {
            self.timers.remove(&(at, ticket));
        }
        if entry.origin.flow() == Flow::Beside {
            self.redelivering.remove(&entry.seq);
            self.redelivered.insert(entry.seq);
        }
        let next = self.lanes.leave(entry.lane, ticket, self.unordered.is_empty());
        self.give_turn(next);
        Some(entry)
    }

    /// The wait before another attempt is over: it is made, if its lane has nobody in front.
    pub(super) fn take_turn(&mut self, ticket: Ticket) {
        let Some(entry) = self.entries.get_mut(&ticket) else { return };
        if entry.origin.flow() == Flow::Beside {
            entry.state = State::Queued;
            let next = self.lanes.wake(entry.lane, ticket);
            self.give_turn(next);
        } else if self.lanes.has_turn(entry.lane, ticket) {
            self.make_ready(ticket);
        } else {
            entry.state = State::Queued;
        }
    }
}
