//! Which events wait for one another: a lane holds those that go one after another.

use std::collections::{HashMap, VecDeque};

use super::policy::Ordering;
use crate::event::Seq;

/// An event that the core has taken up. Never used twice, so a late answer cannot be mistaken for another's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Which lane an event goes in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(super) enum LaneKey {
    Subject(u64),
    Alone(Seq),
    All,
}

impl LaneKey {
    /// The lane of the event at `seq`. Of one event, two deliveries are never in flight together.
    pub(super) fn of(ordering: Ordering, subject: u64, seq: Seq) -> Self {
        match ordering {
            Ordering::Subject => Self::Subject(subject),
            Ordering::None => Self::Alone(seq),
            Ordering::Strict => Self::All,
        }
    }
}

/// The lanes that have somebody in them. The first of a lane has its turn; the others wait.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    queues: HashMap<LaneKey, VecDeque<Ticket>>,
}

impl Lanes {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Joins the end of a lane; true if it is its turn at once.
    pub(super) fn join(&mut self, lane: LaneKey, ticket: Ticket) -> bool {
        let queue = self.queues.entry(lane).or_default();
        queue.push_back(ticket);
        queue.len() == 1
    }

    /// Whether it is the turn of this one.
    pub(super) fn has_turn(&self, lane: LaneKey, ticket: Ticket) -> bool {
        self.queues.get(&lane).and_then(VecDeque::front) == Some(&ticket)
    }

    /// Leaves a lane; answers whose turn it is now, if that changed.
    pub(super) fn leave(&mut self, lane: LaneKey, ticket: Ticket) -> Option<Ticket> {
        let queue = self.queues.get_mut(&lane)?;
        let had_turn = queue.front() == Some(&ticket);
        if had_turn {
            queue.pop_front();
        } else {
            queue.retain(|each| *each != ticket);
        }
        let next = queue.front().copied();
        if next.is_none() {
            self.queues.remove(&lane);
        }
        next.filter(|_| had_turn)
    }

    /// Empties a lane; answers who was in it, in order.
    pub(super) fn take(&mut self, lane: LaneKey) -> Vec<Ticket> {
        self.queues.remove(&lane).map(Vec::from).unwrap_or_default()
    }

    /// Who waits behind the first of a lane, in order.
    pub(super) fn waiting(&self, lane: LaneKey) -> Vec<Ticket> {
        self.queues.get(&lane).map(|queue| queue.iter().skip(1).copied().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_in_order() {
        let lane = LaneKey::Subject(1);
        let mut lanes = Lanes::default();
        assert!(lanes.join(lane, Ticket(1)));
        assert!(!lanes.join(lane, Ticket(2)));
        assert!(!lanes.join(lane, Ticket(3)));
        assert_eq!(lanes.leave(lane, Ticket(2)), None);
        assert_eq!(lanes.leave(lane, Ticket(1)), Some(Ticket(3)));
        assert_eq!(lanes.leave(lane, Ticket(3)), None);
        assert!(lanes.join(lane, Ticket(4)));
    }
}
