//! The parked events of a stream, and whom they hold back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::progress::Parked;
use crate::clock::Timestamp;
use crate::event::Seq;

/// What a parked event holds back: later events with the same key. `None` holds back nothing.
pub(super) type HoldKey = Option<u64>;

/// Every parked event has a row in the store; this is the index over them, of bounded size.
#[derive(Debug, Default)]
pub(super) struct ParkedEvents {
    rows: BTreeMap<Seq, (HoldKey, Parked)>,
    holds: HashMap<u64, BTreeSet<Seq>>,
    /// The idle ones that may go when their time comes: the first of each hold.
    due: BTreeSet<(Timestamp, Seq)>,
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
        }
        taken.into_iter().map(|(_, seq)| seq).collect()
    }

    /// Puts back one that was taken up and has not been tried.
    pub(super) fn put_back(&mut self, seq: Seq) {
        if let Some((_, row)) = self.rows.get(&seq) {
            self.due.insert((row.due, seq));
        }
    }

    /// One that was taken up has ended: whoever waited behind it may go.
    pub(super) fn remove(&mut self, seq: Seq) {
        let Some((key, row)) = self.rows.remove(&seq) else { return };
        self.due.remove(&(row.due, seq));
        let Some(key) = key else { return };
        let Some(hold) = self.holds.get_mut(&key) else { return };
        hold.remove(&seq);
        match hold.first() {
            None => {
                self.holds.remove(&key);
            }
            Some(next) => {
                if let Some((_, row)) = self.rows.get(next) {
                    self.due.insert((row.due, *next));
                }
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
    fn a_clock_set_back_does_not_hold_for_longer_than_the_longest_wait() {
        let mut events = ParkedEvents::default();
        events.park(None, parked(5, 10_000_000));
        assert!(events.take_due(Timestamp::from_millis(0), Duration::from_secs(1), 9).is_empty());
        assert_eq!(events.take_due(Timestamp::from_millis(1000), Duration::from_secs(1), 9), [Seq(5)]);
    }
}
