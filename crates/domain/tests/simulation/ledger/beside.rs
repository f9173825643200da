//! What is delivered beside the log: what was asked for, and what has come of it. Kept by what the receiver answers, and
//! compared with what the core reports and the store has counted.

use std::collections::BTreeMap;

use domain::delivery::{Cause, Ordering, Progress, RowChange};
use domain::event::Seq;

use super::super::Checked;
use super::super::store::{Event, JobKey, StoredStream};
use super::{Flight, Ledger, Pending, Standing};

/// A delivery beside the log, or one that has made one superfluous, has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct End {
    seq: Seq,
    cause: Cause,
    delivered: bool,
}

/// What is delivered beside the log.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// What the core has taken and that has not ended: why, and as the how-manieth.
    offered: BTreeMap<Seq, (Cause, u64)>,
    offers: u64,
    /// What the store holds as marked by a job, and to be delivered out of turn.
    marks: BTreeMap<Seq, JobKey>,
    turns: BTreeMap<Seq, Option<JobKey>>,
    /// What has ended since progress was last taken, in order; and what a crash would have to do again of it.
    ends: Vec<End>,
    unsaved: Vec<End>,
    /// What has come of each job: delivered, failed.
    counted: BTreeMap<JobKey, (u64, u64)>,
    /// Deliveries that have ended since progress was last taken: well, badly.
    cycles: (u64, u64),
    /// Attempts that have failed since.
    attempts_failed: u64,
    /// Of those, how many may have failed because the core disabled the stream: an event more than once, if the stream
    /// was moved back to it in between.
    tripped: u64,
}

impl Beside {
    /// Whether the core has taken it, and why.
    pub(super) fn cause(&self, seq: Seq) -> Option<Cause> {
        self.offered.get(&seq).map(|(cause, _)| *cause)
    }

    pub(super) fn count_delivered(&mut self) {
        self.cycles.0 += 1;
    }

    pub(super) fn count_failed(&mut self) {
        self.cycles.1 += 1;
    }

    pub(super) fn count_attempt_failed(&mut self) {
        self.attempts_failed += 1;
    }

    pub(super) fn count_tripped(&mut self) {
        self.tripped += 1;
    }

    /// Its delivery beside the log has ended.
    pub(super) fn land(&mut self, seq: Seq) -> Option<Cause> {
        self.offered.remove(&seq).map(|(cause, _)| cause)
    }

    pub(super) fn end(&mut self, seq: Seq, cause: Cause, delivered: bool) {
        self.ends.push(End { seq, cause, delivered });
    }

    /// The log has forgotten what is below `oldest`.
    pub(super) fn expire(&mut self, oldest: Seq) {
        self.marks = self.marks.split_off(&oldest);
        self.turns = self.turns.split_off(&oldest);
    }
}

impl Ledger {
    /// A job, or a user, asks for deliveries beside the log.
    pub(crate) fn asked(&mut self, events: &[Event], cause: Cause, job: Option<JobKey>) {
        for event in events {
            if cause == Cause::Failed {
                self.requested(event.seq);
                self.beside.marks.extend(job.map(|job| (event.seq, job)));
                continue;
            }
            self.learn(event, Standing { pending: Pending::No, failed: false });
            self.beside.turns.insert(event.seq, job);
            self.explain(event.seq);
        }
    }

    /// A job does not ask for these any more.
    pub(crate) fn unasked(&mut self, seqs: &[(Seq, Cause)]) {
        for (seq, cause) in seqs {
            if *cause == Cause::OutOfTurn {
                self.beside.turns.remove(seq);
                continue;
            }
            self.beside.marks.remove(seq);
            if let Some(expected) = self.events.get_mut(seq) {
                expected.requested = false;
            }
        }
    }

    /// Whether an attempt is of what is delivered out of turn.
    pub(crate) fn is_out_of_turn(&self, flight: &Flight) -> bool {
        flight.redelivery && self.beside.cause(flight.seq) == Some(Cause::OutOfTurn)
    }

    /// The core has taken up redeliveries that it was offered.
    pub(crate) fn offered(&mut self, seqs: &[(Seq, Cause)]) -> Checked {
        for (seq, cause) in seqs {
            if *cause == Cause::Failed && !self.now(*seq).is_some_and(|now| now.failed) {
                return Err(format!("{seq:?} is taken up to be redelivered although it has not failed"));
            }
            if self.in_flight.values().any(|flight| flight.seq == *seq && flight.redelivery) {
                return Err(format!("{seq:?} is taken up to be redelivered although that is under way"));
            }
            let beside = &mut self.beside;
            beside.offers += 1;
            beside.offered.insert(*seq, (*cause, beside.offers));
        }
        Ok(())
    }

    /// The core was told that nobody asks for these any more: what is not in flight is not sent.
    pub(crate) fn withdrawn(&mut self, seqs: &[Seq]) -> usize {
        let flying = |seq: &Seq| self.in_flight.values().any(|flight| flight.seq == *seq && flight.redelivery);
        let idle: Vec<Seq> = seqs.iter().copied().filter(|seq| !flying(seq)).collect();
        idle.iter().filter(|seq| self.beside.offered.remove(seq).is_some()).count()
    }

    /// What was missed goes in its order about each subject, as far as the core has it.
    pub(super) fn turn_order(&self, seq: Seq, subject: u64) -> Checked {
        let Some((Cause::OutOfTurn, nth)) = self.beside.offered.get(&seq).copied() else { return Ok(()) };
        if self.ordering == Ordering::None {
            return Ok(());
        }
        let lane = self.lane(subject);
        let earlier = self.beside.offered.range(..seq).find(|(seq, (cause, before))| {
            let same = self.events.get(*seq).is_some_and(|event| self.lane(event.subject) == lane);
            same && *cause == Cause::OutOfTurn && *before < nth
        });
        match earlier {
            None => Ok(()),
            Some((first, _)) => Err(format!("{seq:?} is sent before {first:?}, which was missed before it, has ended")),
        }
    }

    /// The core has given its progress: what has ended of turns, and how many deliveries, is what the receiver knows.
    pub(super) fn taken_beside(&mut self, progress: &Progress) -> Result<Vec<End>, String> {
        let turns = progress.rows.iter().filter_map(|row| match row {
            RowChange::TurnEnded { seq, delivered } => Some((*seq, *delivered)),
            _ => None,
        });
        let ends = std::mem::take(&mut self.beside.ends);
        let ours = ends.iter().filter(|end| end.cause == Cause::OutOfTurn).map(|end| (end.seq, end.delivered));
        let (theirs, ours): (Vec<_>, Vec<_>) = (turns.collect(), ours.collect());
        if theirs != ours {
            return Err(format!("out of turn, {theirs:?} is reported to have ended, but {ours:?} has"));
        }
        self.beside.unsaved.extend(&ends);
        let recorded = |row: &&RowChange| matches!(row, RowChange::Failed { .. } | RowChange::FailedAgain { .. });
        let recorded = progress.rows.iter().filter(recorded).count() as u64;
        let (delivered, failed) = std::mem::take(&mut self.beside.cycles);
        let cycles = progress.cycles;
        // What had been tried when the core disabled the stream has failed too, if the core had it in memory.
        let failed_max = failed + std::mem::take(&mut self.beside.tripped);
        if cycles.delivered != delivered || !(failed..=failed_max).contains(&cycles.failed) || cycles.failed != recorded
        {
            return Err(format!(
                "{cycles:?} are counted, but {delivered} were delivered, {failed} to {failed_max} have failed, and \
                 {recorded} are recorded as that"
            ));
        }
        if cycles.durations.iter().sum::<u64>() != delivered {
            return Err(format!("{cycles:?} has not a duration for each delivery"));
        }
        let attempts_failed = std::mem::take(&mut self.beside.attempts_failed);
        if cycles.attempts_failed.iter().sum::<u64>() != attempts_failed {
            return Err(format!("{cycles:?} are counted, but {attempts_failed} attempts have failed"));
        }
        Ok(ends)
    }

    /// A checkpoint was saved: what has ended counts for whoever asked for it.
    pub(super) fn saved_beside(&mut self, ends: &[End]) {
        for end in ends {
            let beside = &mut self.beside;
            beside.unsaved.retain(|unsaved| unsaved != end);
            let job = match end.cause {
                Cause::Failed => beside.marks.remove(&end.seq),
                Cause::OutOfTurn => beside.turns.remove(&end.seq).flatten(),
            };
            if let Some(job) = job {
                let counted = beside.counted.entry(job).or_default();
                counted.0 += u64::from(end.delivered);
                counted.1 += u64::from(!end.delivered);
            }
        }
    }

    /// The process has ended: what it had taken up is taken up anew, and what was not saved may come again.
    pub(super) fn crash_beside(&mut self) {
        let ends = std::mem::take(&mut self.beside.ends);
        for end in std::mem::take(&mut self.beside.unsaved).into_iter().chain(ends) {
            if end.cause == Cause::OutOfTurn && end.delivered {
                self.explain(end.seq);
            }
        }
        self.beside.offered.clear();
        (self.beside.cycles, self.beside.tripped, self.beside.attempts_failed) = ((0, 0), 0, 0);
    }

    /// The store holds what is asked for, and has counted for each job what has come of it.
    pub(super) fn audit_beside(&self, stored: &StoredStream) -> Checked {
        let (ours, theirs) = (&self.beside.turns, &stored.asked.out_of_turn);
        if ours != theirs {
            return Err(format!("{ours:?} are to be delivered out of turn but the store holds {theirs:?}"));
        }
        let (ours, theirs) = (&self.beside.marks, &stored.asked.marks);
        if ours != theirs {
            return Err(format!("{ours:?} are marked but the store holds {theirs:?}"));
        }
        for (name, job) in &stored.asked.jobs {
            let ours = self.beside.counted.get(name).copied().unwrap_or_default();
            if ours != (job.redelivered, job.failed) {
                return Err(format!("job {name} has delivered and failed {ours:?} but the store says {job:?}"));
            }
            let ended = job.redelivered + job.failed + job.unmarked + job.expired;
            if ended + stored.asked.left(*name) != job.marked {
                return Err(format!("of job {name} something is lost: {job:?}"));
            }
        }
        Ok(())
    }
}
