//! The parked events of a stream, and whom they hold back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::policy::Ordering;
use super::progress::Parked;
use crate::clock::Timestamp;
use crate::event::Seq;

/// What a parked event holds back: later events with the same key. `None` holds back nothing.
pub(super) type HoldKey = Option<u64>;

impl Ordering {
    /// What a parked event about `subject` holds back.
    pub(super) fn hold_key(self, subject: u64) -> HoldKey {
        match self {
            Self::Subject => Some(subject),
            Self::Strict => Some(0),
            Self::None => None,
        }
    }
}

/// Every parked event has a row in the store; this is the index over them, of bounded size.
#[derive(Debug, Default)]
pub(super) struct ParkedEvents {
    rows: BTreeMap<Seq, (HoldKey, Parked)>,
    holds: HashMap<u64, BTreeSet<Seq>>,
    /// The idle ones that may go when their time comes: the first of each hold.
    due: BTreeSet<(Timestamp, Seq)>,
    /// The ones that were taken up.
    taken: BTreeSet<Seq>,
}

impl ParkedEvents {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether an event at `seq` has to wait behind a parked one.
    pub(super) fn holds_back(&self, key: HoldKey, seq: Seq) -> bool {
        let first = key.and_then(|key| self.holds.get(&key)).and_then(BTreeSet::first);
        first.is_some_and(|first| *first < seq)
    }

    /// Parks an event, or sets a new time for one that was taken up.
    pub(super) fn park(&mut self, key: HoldKey, parked: Parked) {
        let seq = parked.seq;
        self.taken.remove(&seq);
        if let Some(key) = key {
            let hold = self.holds.entry(key).or_default();
            hold.insert(seq);
            if hold.first() == Some(&seq) {
                // A later one was first until now; it has to wait.
                for later in hold.iter().skip(1) {
                    if let Some((_, row)) = self.rows.get(later) {
                        self.due.remove(&(row.due, *later));
                    }
                }
                self.due.insert((parked.due, seq));
            }
        } else {
            self.due.insert((parked.due, seq));
        }
        self.rows.insert(seq, (key, parked));
    }

    /// Takes up the events whose time has come, at most `most`. They stay rows and go on holding back.
    /// A time further away than `wait_max` can only come from a clock that was set back: it is cut.
    pub(super) fn take_due(&mut self, now: Timestamp, wait_max: Duration, most: usize) -> Vec<Seq> {
        let horizon = now.plus(wait_max);
        while let Some((due, seq)) = self.due.last().copied().filter(|(due, _)| *due > horizon) {
            self.due.remove(&(due, seq));
            self.due.insert((horizon, seq));
            if let Some((_, row)) = self.rows.get_mut(&seq) {
                row.due = horizon;
            }
        }
        let taken: Vec<_> = self.due.iter().take_while(|(due, _)| *due <= now).take(most).copied().collect();
        for each in &taken {
            self.due.remove(each);
            self.taken.insert(each.1);
        }
        taken.into_iter().map(|(_, seq)| seq).collect()
    }

    /// Puts back one that was taken up and has not been tried.
    pub(super) fn put_back(&mut self, seq: Seq) {
        self.taken.remove(&seq);
        let Some((key, row)) = self.rows.get(&seq) else { return };
        if !self.holds_back(*key, seq) {
            self.due.insert((row.due, seq));
        }
    }

    /// One that was taken up has ended: whoever waited behind it may go.
    pub(super) fn remove(&mut self, seq: Seq) {
        self.taken.remove(&seq);
        let Some((key, row)) = self.rows.remove(&seq) else { return };
        self.due.remove(&(row.due, seq));
        let Some(key) = key else { return };
        let Some(hold) = self.holds.get_mut(&key) else { return };
        hold.remove(&seq);
        match hold.first().copied() {
            None => {
                self.holds.remove(&key);
            }
            Some(next) => self.offer(next),
        }
    }

    /// Lets the first of a hold go when its time comes, unless it was taken up already.
    fn offer(&mut self, seq: Seq) {
        if let Some((_, row)) = self.rows.get(&seq).filter(|_| !self.taken.contains(&seq)) {
            self.due.insert((row.due, seq));
        }
    }

    /// Forgets the ones at `from` and after it; answers which they were.
    pub(super) fn forget_from(&mut self, from: Seq) -> Vec<Seq> {
        let later: Vec<Seq> = self.rows.range(from..).map(|(seq, _)| *seq).collect();
        for seq in later.iter().rev() {
            self.remove(*seq);
        }
        later
    }

    /// Holds back by other keys from now on. What was taken up stays so.
    pub(super) fn hold_by(&mut self, key_of: impl Fn(u64) -> HoldKey) {
        let taken = std::mem::take(&mut self.taken);
        let rows = std::mem::take(self).rows;
        for (seq, (_, row)) in rows {
            if taken.contains(&seq) {
                self.taken.insert(seq);
            }
            let key = key_of(row.subject);
            let first = key.is_none_or(|key| self.holds.entry(key).or_default().is_empty());
            if let Some(key) = key {
                self.holds.entry(key).or_default().insert(seq);
            }
            self.rows.insert(seq, (key, row));
            if first {
                self.offer(seq);
            }
        }
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Parked> {
        self.rows.get(&seq).map(|(_, row)| row)
    }

    /// When the next one may go.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(seq: u64, due: i64) -> Parked {
        Parked { seq: Seq(seq), subject: 1, due: Timestamp::from_millis(due), attempts: Vec::new() }
    }

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn the_first_of_a_subject_goes_first() {
        let mut events = ParkedEvents::default();
        events.park(Some(1), parked(5, 100));
        events.park(Some(1), parked(6, 0));
        events.park(Some(2), parked(7, 50));
        assert!(events.holds_back(Some(1), Seq(9)));
        assert!(!events.holds_back(Some(1), Seq(5)));
        assert_eq!(events.take_due(Timestamp::from_millis(60), DAY, 9), [Seq(7)]);
        assert_eq!(events.take_due(Timestamp::from_millis(100), DAY, 9), [Seq(5)]);
        assert_eq!(events.next_due(), None);
        events.remove(Seq(5));
        assert_eq!(events.take_due(Timestamp::from_millis(100), DAY, 9), [Seq(6)]);
    }

    #[test]
    fn other_keys_hold_back_others() {
        let now = Timestamp::from_millis(100);
        let mut events = ParkedEvents::default();
        for seq in 5..9 {
            events.park(None, parked(seq, 0));
        }
        assert_eq!(events.take_due(now, DAY, 2), [Seq(5), Seq(6)]);
        events.hold_by(|_| Some(0));
        assert_eq!(events.next_due(), None, "the first has been taken up");
        assert!(events.holds_back(Some(0), Seq(6)));
        events.put_back(Seq(6));
        assert_eq!(events.next_due(), None, "it waits behind the first now");
        events.remove(Seq(5));
        assert_eq!(events.take_due(now, DAY, 9), [Seq(6)]);
        events.hold_by(|_| None);
        assert_eq!(events.take_due(now, DAY, 9), [Seq(7), Seq(8)]);
        events.hold_by(|_| Some(0));
        events.remove(Seq(6));
        assert_eq!(events.next_due(), None, "the next has been taken up too");
    }

    #[test]
    fn what_is_forgotten_holds_back_nothing() {
        let mut events = ParkedEvents::default();
        for seq in 5..9 {
            events.park(Some(1), parked(seq, 0));
        }
        assert_eq!(events.take_due(Timestamp::from_millis(1), DAY, 9), [Seq(5)]);
        events.forget_from(Seq(5));
        assert_eq!((events.len(), events.next_due()), (0, None));
        assert!(!events.holds_back(Some(1), Seq(9)));
    }

    #[test]
    fn a_clock_set_back_does_not_hold_for_longer_than_the_longest_wait() {
        let mut events = ParkedEvents::default();
        events.park(None, parked(5, 10_000_000));
        assert!(events.take_due(Timestamp::from_millis(0), Duration::from_secs(1), 9).is_empty());
        assert_eq!(events.take_due(Timestamp::from_millis(1000), Duration::from_secs(1), 9), [Seq(5)]);
    }
}
