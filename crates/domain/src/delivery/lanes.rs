//! Which events wait for one another: a lane holds those that go one after another.

use std::collections::{HashMap, VecDeque};

use super::policy::Ordering;
use crate::event::Seq;

/// An event that the core has taken up. Never used twice, so a late answer cannot be mistaken for another's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// How an event came to the core: what is delivered beside the log lets pass what comes with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Flow {
    /// With the log.
    Log,
    /// Beside it: a redelivery, a missed event, a test event.
    Beside,
}

/// While both wait, of so many turns one is for what is delivered beside the log, so that it gets on too.
pub(super) const BESIDE_EVERY: u32 = 8;

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

#[derive(Debug, Default)]
struct Lane {
    /// The first has the turn.
    queue: VecDeque<Ticket>,
    /// Who waits beside, in order. None of them has the turn.
    beside: VecDeque<Ticket>,
    /// Those of them that wait to be tried again: they let the queue pass, but nobody behind them beside it.
    resting: Vec<Ticket>,
    /// How many turns went to the queue since somebody beside it had one.
    passed: u32,
}

impl Lane {
    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.beside.is_empty()
    }

    /// Hands the turn, which nobody has, to the next. With `fair`, now and then to somebody beside the queue
    /// although others wait in it.
    fn hand_over(&mut self, fair: bool) {
        let Some(next) = self.beside.front().copied().filter(|next| !self.resting.contains(next)) else { return };
        if self.queue.is_empty() || (fair && self.passed + 1 >= BESIDE_EVERY) {
            self.beside.pop_front();
            self.queue.push_front(next);
            self.passed = 0;
        } else {
            self.passed += 1;
        }
    }

    /// Takes somebody out, wherever they are; whether they had the turn.
    fn take_out(&mut self, ticket: Ticket) -> bool {
        if self.queue.front() == Some(&ticket) {
            self.queue.pop_front();
            return true;
        }
        self.queue.retain(|each| *each != ticket);
        if !self.beside.is_empty() {
            self.beside.retain(|each| *each != ticket);
            self.resting.retain(|each| *each != ticket);
        }
        false
    }
}

/// The lanes that have somebody in them. The first of a lane has its turn; the others wait.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<LaneKey, Lane>,
}

impl Lanes {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Joins the end of a lane, or of who waits beside it; true if it is its turn at once.
    pub(super) fn join(&mut self, key: LaneKey, ticket: Ticket, flow: Flow) -> bool {
        let lane = self.lanes.entry(key).or_default();
        if flow == Flow::Log || lane.is_empty() {
            lane.queue.push_back(ticket);
            return lane.queue.len() == 1;
        }
        lane.beside.push_back(ticket);
        false
    }

    /// Joins those beside a lane, to wait there to be tried again.
    pub(super) fn join_resting(&mut self, key: LaneKey, ticket: Ticket) {
        let lane = self.lanes.entry(key).or_default();
        lane.beside.push_back(ticket);
        lane.resting.push(ticket);
    }

    /// Whether it is the turn of this one.
    pub(super) fn has_turn(&self, key: LaneKey, ticket: Ticket) -> bool {
        self.turn(key) == Some(ticket)
    }

    /// Whose turn it is.
    pub(super) fn turn(&self, key: LaneKey) -> Option<Ticket> {
        self.lanes.get(&key)?.queue.front().copied()
    }

    /// Leaves a lane; answers whose turn it is now, if that changed. Whoever waits beside gets no turn before those
    /// in the queue unless that is `fair`.
    pub(super) fn leave(&mut self, key: LaneKey, ticket: Ticket, fair: bool) -> Option<Ticket> {
        let lane = self.lanes.get_mut(&key)?;
        let changed = lane.take_out(ticket) || lane.queue.is_empty();
        if changed && !lane.beside.is_empty() {
            lane.hand_over(fair);
        }
        let next = lane.queue.front().copied();
        if lane.is_empty() {
            self.lanes.remove(&key);
        }
        next.filter(|_| changed)
    }

    /// Somebody who is delivered beside the log waits to be tried again: the queue may pass meanwhile. Answers whose
    /// turn it is now, if that changed.
    pub(super) fn rest(&mut self, key: LaneKey, ticket: Ticket, fair: bool) -> Option<Ticket> {
        let lane = self.lanes.get_mut(&key)?;
        let had_turn = lane.take_out(ticket);
        lane.beside.push_front(ticket);
        lane.resting.push(ticket);
        if had_turn {
            lane.hand_over(fair);
        }
        lane.queue.front().copied().filter(|_| had_turn)
    }

    /// Somebody has waited long enough; answers whose turn it is now, if that changed.
    pub(super) fn wake(&mut self, key: LaneKey, ticket: Ticket) -> Option<Ticket> {
        let lane = self.lanes.get_mut(&key)?;
        lane.resting.retain(|each| *each != ticket);
        if !lane.queue.is_empty() {
            return None;
        }
        lane.hand_over(false);
        lane.queue.front().copied()
    }

    /// Empties a lane; answers who was in it or beside it.
    pub(super) fn take(&mut self, key: LaneKey) -> Vec<Ticket> {
        self.lanes.remove(&key).map(|lane| lane.queue.into_iter().chain(lane.beside).collect()).unwrap_or_default()
    }

    /// Who waits behind the first of a lane, in order; not who waits beside it.
    pub(super) fn waiting(&self, key: LaneKey) -> Vec<Ticket> {
        self.lanes.get(&key).map(|lane| lane.queue.iter().skip(1).copied().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: LaneKey = LaneKey::Subject(1);

    #[test]
    fn one_at_a_time_in_order() {
        let mut lanes = Lanes::default();
        assert!(lanes.join(LANE, Ticket(1), Flow::Log));
        assert!(!lanes.join(LANE, Ticket(2), Flow::Log));
        assert!(!lanes.join(LANE, Ticket(3), Flow::Log));
        assert_eq!(lanes.leave(LANE, Ticket(2), true), None);
        assert_eq!(lanes.leave(LANE, Ticket(1), true), Some(Ticket(3)));
        assert_eq!(lanes.leave(LANE, Ticket(3), true), None);
        assert!(lanes.is_empty());
        assert!(lanes.join(LANE, Ticket(4), Flow::Log));
    }

    #[test]
    fn what_comes_with_the_log_passes_what_is_delivered_beside_it() {
        let mut lanes = Lanes::default();
        assert!(lanes.join(LANE, Ticket(1), Flow::Beside), "nobody is in its way");
        lanes.join(LANE, Ticket(2), Flow::Beside);
        lanes.join(LANE, Ticket(3), Flow::Log);
        assert_eq!(lanes.leave(LANE, Ticket(1), true), Some(Ticket(3)));
        assert_eq!(lanes.leave(LANE, Ticket(3), true), Some(Ticket(2)));
    }

    #[test]
    fn one_turn_in_eight_is_for_those_beside() {
        let mut lanes = Lanes::default();
        for number in 0..20 {
            lanes.join(LANE, Ticket(number), Flow::Log);
        }
        lanes.join(LANE, Ticket(100), Flow::Beside);
        let mut turns = vec![0];
        while let Some(next) = lanes.leave(LANE, Ticket(*turns.last().unwrap()), true) {
            turns.push(next.0);
        }
        assert_eq!(turns.iter().position(|turn| *turn == 100), Some(8));
        assert_eq!(turns.len(), 21);
    }

    #[test]
    fn who_rests_lets_the_queue_pass_and_nobody_beside_it() {
        let mut lanes = Lanes::default();
        lanes.join(LANE, Ticket(1), Flow::Beside);
        lanes.join(LANE, Ticket(2), Flow::Beside);
        assert_eq!(lanes.rest(LANE, Ticket(1), true), None);
        assert!(lanes.join(LANE, Ticket(3), Flow::Log), "nobody has the turn");
        assert_eq!(lanes.wake(LANE, Ticket(1)), None);
        assert_eq!(lanes.leave(LANE, Ticket(3), true), Some(Ticket(1)));
        assert_eq!(lanes.rest(LANE, Ticket(1), true), None);
        assert_eq!(lanes.leave(LANE, Ticket(1), true), Some(Ticket(2)), "whoever gives up makes room");
    }
}
