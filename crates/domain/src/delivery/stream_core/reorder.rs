//! Another ordering for a stream that is under way.

use super::entries::{Entry, State};
use super::{StreamCore, Ticket};
use crate::clock::Timestamp;
use crate::delivery::lanes::{Flow, LaneKey, Lanes};

impl<E: Clone> StreamCore<E> {
    /// Puts everything that was taken up into the lanes, and under the holds, of the ordering that holds now.
    ///
    /// What is in flight at this moment stays so, several of a lane as it may be: it goes to the front, and
    /// nobody behind it is sent before all of it has ended. Everything else in a lane follows by its position
    /// in the log, and so does what was in flight, should it have to be tried again. What waits to be tried
    /// again keeps its time, and its turn comes no sooner than that; behind a parked event, it is parked.
    pub(super) fn reorder(&mut self) {
        let ordering = self.policy.ordering;
        self.parked.hold_by(|subject| ordering.hold_key(subject));
        self.park_held_back();
        self.lanes = Lanes::default();
        let mut tickets: Vec<Ticket> = self.entries.keys().copied().collect();
        self.by_position(&mut tickets);
        for ticket in tickets {
            let Some(entry) = self.entries.get_mut(&ticket) else { continue };
            entry.lane = LaneKey::of(self.policy.ordering, entry.subject, entry.seq);
            if entry.state == State::InFlight {
                self.unordered.insert(ticket);
            }
            let has_turn = self.rejoin(ticket);
            match self.entries.get_mut(&ticket) {
                Some(entry) if entry.state == State::Queued && has_turn => self.make_ready(ticket),
                Some(entry) if entry.state == State::Ready && !has_turn => entry.state = State::Queued,
                _ => {}
            }
        }
    }

    /// Parks what is held back by a parked event now, and was not before.
    fn park_held_back(&mut self) {
        let mut tickets: Vec<Ticket> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.state != State::InFlight && self.is_held_back(entry))
            .map(|(ticket, _)| *ticket)
            .collect();
        tickets.sort_unstable();
        self.dirty |= !tickets.is_empty();
        for ticket in tickets.into_iter().rev() {
            // Its time is when the one in front of it has ended.
            self.park_entry(ticket, Timestamp::default());
        }
    }

    /// Whether it would be sent before a parked event that it has to wait for.
    pub(super) fn is_held_back(&self, entry: &Entry<E>) -> bool {
        entry.origin.flow() == Flow::Log && self.parked.holds_back(self.hold_key(entry.subject), entry.seq)
    }

    /// Orders the lane of one anew that was in flight out of order, and waits to be tried again.
    pub(super) fn order_lane(&mut self, waiting: Ticket) {
        let Some(lane) = self.entries.get(&waiting).map(|entry| entry.lane) else { return };
        let mut tickets = self.lanes.take(lane);
        self.by_position(&mut tickets);
        for ticket in tickets {
            self.rejoin(ticket);
        }
        let first = self.lanes.turn(lane);
        self.give_turn(first);
    }

    /// Sorts by position in the log, but for what is in flight, which is first, and what is delivered beside the log,
    /// which is last.
    fn by_position(&self, tickets: &mut [Ticket]) {
        tickets.sort_unstable_by_key(|ticket| {
            let entry = &self.entries[ticket];
            (entry.state != State::InFlight, entry.origin.flow(), entry.seq, *ticket)
        });
    }

    /// Joins a lane that is made anew, in the order of [`Self::by_position`]; true if it is its turn.
    fn rejoin(&mut self, ticket: Ticket) -> bool {
        let entry = &self.entries[&ticket];
        match (entry.origin.flow(), entry.state) {
            (Flow::Beside, State::Waiting(_)) => {
                self.lanes.join_resting(entry.lane, ticket);
                false
            }
            // Nobody is sent before it has ended, so it is in front of everybody.
            (_, State::InFlight) => self.lanes.join(entry.lane, ticket, Flow::Log),
            (flow, _) => self.lanes.join(entry.lane, ticket, flow),
        }
    }
}
