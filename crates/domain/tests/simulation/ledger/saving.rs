//! Checkpoints, crashes and restarts.

use std::collections::BTreeSet;

use domain::delivery::{Attempt, Ordering, Position, Progress, RowChange};
use domain::event::Seq;

use super::super::store::StoredStream;
use super::beside::End;
use super::{Expected, Flight, Ledger, Pending, Standing};

/// What a checkpoint takes along: how events stand, and whose rows of failed deliveries were written or ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standings {
    standings: Vec<(Seq, Standing)>,
    rewritten: Vec<(Seq, bool)>,
    /// What has ended of what was asked for.
    ends: Vec<End>,
    /// Those whose parked rows a failed one has replaced.
    replaced: BTreeSet<Seq>,
    /// Everything below had been looked at.
    frontier: Seq,
}

impl Ledger {
    /// The core has given its progress; answers what is saved along with it.
    pub(crate) fn taken(&mut self, progress: &Progress) -> Result<Standings, String> {
        self.rows = 0;
        self.delivered_saving += std::mem::take(&mut self.delivered);
        let ends = self.taken_beside(progress)?;
        let mut replaced = BTreeSet::new();
        let mut before = None;
        for row in &progress.rows {
            // What follows the end of a turn is of that, and says nothing of a delivery with the log.
            let out_of_turn = |seq: &Seq| before == Some(RowChange::TurnEnded { seq: *seq, delivered: false });
            match row {
                RowChange::Failed { seq, attempts, .. } => {
                    self.recorded(*seq, attempts, false, out_of_turn(seq))?;
                    replaced.insert(*seq);
                }
                RowChange::FailedAgain { seq, attempts, .. } => {
                    self.recorded(*seq, attempts, true, out_of_turn(seq))?;
                }
                RowChange::Parked(parked) => drop(replaced.remove(&parked.seq)),
                _ => {}
            }
            before = Some(row.clone());
        }
        let Position { frontier, open } = &progress.position;
        replaced.retain(|seq| seq < frontier && open.binary_search(seq).is_err());
        for seq in std::mem::take(&mut self.unknown) {
            if self.now(seq).is_none_or(|now| now.pending != Pending::Tripped) {
                continue;
            }
            if progress.position.open.binary_search(&seq).is_ok() {
                return Err(format!("{seq:?} had been attempted when the stream was disabled; it is not recorded"));
            }
            self.tried.insert(seq);
            self.set(seq, |now| now.pending = Pending::Yes);
        }
        let parked = progress.rows.iter().filter_map(|row| match row {
            RowChange::Parked(parked) => Some(parked.seq),
            _ => None,
        });
        let held: BTreeSet<Seq> = progress.position.open.iter().copied().chain(parked).collect();
        let standings = self.unsaved.union(&held).filter_map(|seq| self.now(*seq).map(|now| (*seq, now)));
        // What is pending is saved as that by being held; what is neither held now nor was before has been passed over
        // by moves of which the core has heard only the last.
        let standings = standings.filter(|(seq, now)| now.pending == Pending::No || held.contains(seq)).collect();
        let rewritten = std::mem::take(&mut self.rewritten).into_iter().collect();
        Ok(Standings { standings, rewritten, ends, replaced, frontier: progress.position.frontier })
    }

    /// The core has recorded a delivery as failed, for the first time or once more.
    fn recorded(&mut self, seq: Seq, attempts: &[Attempt], again: bool, out_of_turn: bool) -> Result<(), String> {
        if attempts.is_empty() {
            return Err(format!("{seq:?} is recorded as failed although it was never attempted"));
        }
        let Some(expected) = self.events.get(&seq) else { return Err(format!("{seq:?} is recorded as failed")) };
        let (now, expired) = (expected.now, expected.expired);
        let known = now.failed || self.rewritten.contains_key(&seq) || expired;
        if !known && (again || !self.unknown.contains(&seq)) {
            return Err(format!("{seq:?} is recorded as failed although it stands as {now:?}"));
        }
        if !known {
            self.rewritten.insert(seq, true);
            self.set(seq, |now| now.failed = true);
        }
        if now.pending == Pending::Tripped && !out_of_turn {
            self.set(seq, |now| now.pending = Pending::No);
        }
        Ok(())
    }

    /// A checkpoint was saved. If the stream had been moved since it was taken, to `sought`, it holds below that.
    pub(crate) fn saved(&mut self, saved: &Standings, sought: Option<Seq>) {
        for (seq, standing) in &saved.standings {
            let holds = sought.is_none_or(|to| *seq < to && *seq < saved.frontier);
            if holds {
                self.set_saved(*seq, |saved| saved.pending = standing.pending);
            }
        }
        // The store goes on at the target, past what had not been taken up below.
        let passed = sought.filter(|to| *to > saved.frontier).map(|to| saved.frontier..to);
        for seq in
            passed.map(|range| self.events.range(range).map(|(seq, _)| *seq).collect::<Vec<_>>()).unwrap_or_default()
        {
            self.set_saved(seq, |saved| saved.pending = Pending::No);
        }
        // An event can be parked, because the stream was moved back to it, when it fails out of turn.
        for seq in saved.replaced.iter().filter(|seq| sought.is_none_or(|to| **seq < to)) {
            self.set_saved(*seq, |saved| saved.pending = Pending::No);
        }
        self.saved_beside(&saved.ends);
        for (seq, failed) in &saved.rewritten {
            let Some(expected) = self.events.get_mut(seq).filter(|expected| !expected.expired) else { continue };
            expected.requested = false;
            self.set_saved(*seq, |saved| saved.failed = *failed);
        }
    }

    /// Whether all that happened is saved.
    pub(crate) fn is_saved(&self) -> bool {
        // Of two moves in a row the core hears the last only: what the first has dropped and the last has passed over it
        // may still deliver, but nobody is owed that.
        let dropped = |each: &Expected| each.now.pending == Pending::Yes && each.saved.pending == Pending::No;
        let owed = |seq: &Seq| self.events.get(seq).is_some_and(|each| !each.expired && !dropped(each));
        !self.unsaved.iter().any(owed)
    }

    /// The process has ended: what was not saved is unknown again. `accepted` had reached the receiver.
    pub(crate) fn crash(&mut self, accepted: impl Fn(&Flight) -> bool) {
        for flight in std::mem::take(&mut self.in_flight).into_values() {
            if let Some(expected) = self.events.get_mut(&flight.seq).filter(|_| accepted(&flight)) {
                expected.accepted += 1;
                expected.explained += 1;
            }
        }
        self.forget_unsaved();
        self.tried.clear();
        self.unknown.clear();
        self.crash_beside();
        self.rewritten.clear();
        (self.rows, self.delivered, self.delivered_saving) = (0, 0, 0);
        self.tripped = false;
    }

    fn forget_unsaved(&mut self) {
        for seq in std::mem::take(&mut self.unsaved) {
            self.know_again(seq, false);
            let Some(saved) = self.events.get(&seq).map(|expected| expected.saved) else { continue };
            self.set(seq, |now| *now = saved);
        }
    }

    /// A core goes on from what the store holds, with settings that may be older than that.
    pub(crate) fn restored(&mut self, stored: &StoredStream, ordering: Ordering) {
        self.forget_unsaved();
        self.reordered(ordering);
        let tried = |attempts: &[Attempt]| !attempts.is_empty();
        self.tried = stored.parked.values().filter(|row| tried(&row.attempts)).map(|row| row.seq).collect();
        self.in_row = stored.in_row;
    }
}
