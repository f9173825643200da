//! Checkpoints, and what a restart makes of them.

use domain::delivery::{DisableReason, Outcome};

use super::Checked;
use super::coverage::Reached;
use super::ledger::Ledger;
use super::shell::{Saving, Shell};
use super::store::{Applied, Store, StreamKey};
use super::world::World;

impl World {
    // ---- checkpoints ----------------------------------------------------------------------------------------

    /// Begins a checkpoint, unless one is under way.
    pub(crate) fn begin_saving(&mut self) {
        if !self.shell.started || self.shell.saving.is_some() || self.shell.unanswered {
            return;
        }
        let mut to_take: Vec<StreamKey> = self.shell.streams.keys().copied().collect();
        for index in (1..to_take.len()).rev() {
            to_take.swap(index, self.random.below(index + 1));
        }
        let mut head = self.shell.head.frontier();
        if self.faulty && self.random.percent(30) {
            // Only those that have much to save. The others keep theirs, so the head does not move.
            let streams = &self.shell.streams;
            to_take.retain(|key| streams[key].core.save_due());
            head = self.store.head;
            self.coverage.add(Reached::CheckpointDue, u64::from(!to_take.is_empty()));
        }
        self.shell.saving = Some(Saving { head, to_take, taken: Vec::new() });
        self.note(|| format!("a checkpoint begins, with the head at {head:?}"));
    }

    /// Takes the progress of the next stream into the checkpoint; false if there is none left.
    pub(crate) fn take_next(&mut self) -> Result<bool, String> {
        let Some(key) = self.shell.saving.as_mut().and_then(|saving| saving.to_take.pop()) else { return Ok(false) };
        let (Some(mut part), Some(ledger)) = (self.shell.take(key), self.ledgers.get_mut(&key)) else {
            return Ok(true);
        };
        part.standings = ledger.taken(&part.progress).map_err(|why| format!("stream {key}: {why}"))?;
        let limits = self.shell.streams[&key].policy().limits;
        // Whatever is in memory when sending stops for want of a checkpoint may still add a row each.
        let rows_max = limits.unsaved_max + limits.window_events_max + limits.redeliveries_max;
        if part.progress.rows.len() > rows_max {
            return Err(format!("stream {key}: {} rows are not saved", part.progress.rows.len()));
        }
        self.note(|| {
            let progress = &part.progress;
            let (at_head, rows) = (part.at_head, &progress.rows.len());
            format!(
                "stream {key}: taken {:?}, at head: {at_head}, {rows} rows, {:?}",
                progress.position, progress.disable
            )
        });
        if let Some(saving) = &mut self.shell.saving {
            saving.taken.push(part);
        }
        Ok(true)
    }

    /// Saves the checkpoint under way once every stream has given its progress; false if it could not.
    pub(crate) fn save(&mut self) -> Result<bool, String> {
        let Some(saving) = self.shell.saving.take_if(|saving| saving.to_take.is_empty()) else { return Ok(false) };
        let mut saving = saving;
        let rest = self.split(&mut saving);
        self.store_checkpoint(&saving)?;
        if self.faulty && self.random.percent(3) {
            self.note(|| String::from("the answer is lost"));
            self.coverage.reached(Reached::AnswerLost);
            self.shell.unanswered = true;
            return Ok(true);
        }
        for part in &saving.taken {
            if let Some(running) = self.shell.streams.get_mut(&part.stream) {
                running.saved();
                self.ledgers.get_mut(&part.stream).into_iter().for_each(Ledger::told_saved);
            }
        }
        self.shell.saving = rest;
        Ok(true)
    }

    /// Divides a checkpoint, and answers what is saved after this part. The head moves with the last.
    fn split(&mut self, saving: &mut Saving) -> Option<Saving> {
        if saving.taken.len() < 2 || self.random.percent(50) {
            return None;
        }
        let taken = saving.taken.split_off(self.random.between(1, saving.taken.len() - 1));
        let rest = Saving { head: saving.head, to_take: Vec::new(), taken };
        saving.head = self.store.head;
        self.coverage.reached(Reached::CheckpointPart);
        Some(rest)
    }

    fn store_checkpoint(&mut self, saving: &Saving) -> Checked {
        self.store.head = self.store.head.max(saving.head);
        for part in &saving.taken {
            let key = part.stream;
            let named = |why: String| format!("stream {key}: {why}");
            let settings = self.store.streams.get(&key).map(|stored| (stored.settings.seeks, stored.settings.sought));
            let sought = settings.filter(|(seeks, _)| *seeks != part.seeks).map(|(_, to)| to);
            if sought.is_some() {
                self.coverage.reached(Reached::MoveDuringCheckpoint);
            }
            let told = |store: &Store| store.streams.get(&key).map(|stored| stored.alerts.told).unwrap_or_default();
            let before = told(&self.store);
            let applied = self.store.apply(part).map_err(named)?;
            let kinds = [Reached::AlertFailing, Reached::AlertDisabled, Reached::AlertRecovered];
            for ((kind, before), after) in kinds.into_iter().zip(before).zip(told(&self.store)) {
                if after > before {
                    self.coverage.add(kind, after - before);
                }
            }
            match applied {
                None => continue,
                Some(Applied::Saved) => {}
                Some(Applied::Outdated) => self.coverage.reached(Reached::DisableOutdated),
                Some(Applied::Disabled(reason)) => {
                    self.note(|| format!("stream {key} is disabled: {reason:?}"));
                    self.coverage.reached(match reason {
                        DisableReason::FailuresInRow => Reached::DisableFailuresInRow,
                        DisableReason::FailuresOutstanding => Reached::DisableFailuresOutstanding,
                    });
                }
            }
            if let Some(ledger) = self.ledgers.get_mut(&key) {
                ledger.saved(&part.standings, sought);
            }
        }
        self.coverage.reached(Reached::CheckpointApplied);
        self.note(|| format!("the checkpoint with the head at {:?} is saved", saving.head));
        self.audit()
    }

    /// Ends the checkpoint under way and makes another one; true if that had anything to save.
    pub(crate) fn save_all(&mut self) -> Result<bool, String> {
        while self.take_next()? {}
        while self.save()? {}
        self.begin_saving();
        while self.take_next()? {}
        let some =
            self.shell.saving.as_ref().is_some_and(|saving| !saving.taken.is_empty() || saving.head > self.store.head);
        while self.save()? {}
        Ok(some)
    }

    // ---- the end of a process, and the next -----------------------------------------------------------------

    fn start(&mut self) {
        let head = if self.random.percent(50) { self.store.head } else { self.store.end() };
        self.note(|| format!("started with the head at {head:?}"));
        self.shell = Shell::start(head);
    }

    /// The process dies between two steps.
    pub(crate) fn crash(&mut self) -> Checked {
        self.coverage.reached(Reached::Crash);
        self.note(|| String::from("crash"));
        if let Some(saving) = self.shell.saving.take_if(|saving| saving.to_take.is_empty()) {
            // A transaction that is torn at any of its writes is as if it had never begun.
            let committed = self.random.percent(50);
            self.coverage.reached(if committed { Reached::CrashAfterCommit } else { Reached::CrashDuringCommit });
            if committed {
                self.store_checkpoint(&saving)?;
            }
        }
        for (key, ledger) in &mut self.ledgers {
            let (random, receiver) = (&mut self.random, self.receivers[key]);
            let accepted: Vec<_> = ledger
                .in_flight()
                .into_iter()
                .filter(|_| random.percent(60) && matches!(receiver.answer(random), Outcome::Delivered { .. }))
                .collect();
            ledger.crash(|flight| accepted.contains(flight));
        }
        self.start();
        self.audit()
    }

    /// The process is asked to end: attempts in flight end, a last checkpoint is saved.
    pub(crate) fn shut_down(&mut self) -> Checked {
        if self.shell.unanswered || !self.shell.started {
            return self.crash();
        }
        self.coverage.reached(Reached::GracefulRestart);
        self.note(|| String::from("shutting down"));
        for key in self.shell.streams.keys().copied().collect::<Vec<_>>() {
            for flight in self.ledgers.get(&key).map(Ledger::in_flight).unwrap_or_default() {
                let outcome = self.receivers[&key].answer(&mut self.random);
                self.end_attempt(key, flight, outcome)?;
            }
        }
        let faulty = std::mem::replace(&mut self.faulty, false);
        self.save_all()?;
        self.faulty = faulty;
        for (key, ledger) in &mut self.ledgers {
            // What the store knows of a move that the core has not heard of is not the core's to save.
            let heard = self.store.streams.get(key).zip(self.shell.streams.get(key));
            let heard = heard.is_some_and(|(stored, running)| stored.settings.seeks == running.known.seeks);
            if heard && !ledger.is_saved() {
                return Err(format!("stream {key}: not all that happened was saved at shutdown"));
            }
            ledger.crash(|_| false);
        }
        self.start();
        self.audit()
    }
}
