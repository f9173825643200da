//! Checkpoints, and what a restart makes of them.

use domain::delivery::{DisableReason, Outcome};

use super::Checked;
use super::coverage::Reached;
use super::ledger::Ledger;
use super::shell::{Saving, Shell};
use super::store::{Applied, StreamKey};
use super::world::World;

impl World {
    // ---- checkpoints ----------------------------------------------------------------------------------------

    /// Begins a checkpoint, unless one is under way.
    pub(crate) fn begin_saving(&mut self) {
        if self.shell.saving.is_some() {
            return;
        }
        let mut to_take: Vec<StreamKey> = self.shell.streams.keys().copied().collect();
        for index in (1..to_take.len()).rev() {
            to_take.swap(index, self.random.below(index + 1));
        }
        let head = self.shell.head.frontier();
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
        let policy = &self.shell.streams[&key].policy;
        let limits = policy.limits;
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
        self.store_checkpoint(&saving)?;
        for part in &saving.taken {
            if let Some(running) = self.shell.streams.get_mut(&part.stream) {
                running.saved();
            }
        }
        Ok(true)
    }

    fn store_checkpoint(&mut self, saving: &Saving) -> Checked {
        self.store.head = self.store.head.max(saving.head);
        for part in &saving.taken {
            let key = part.stream;
            let named = |why: String| format!("stream {key}: {why}");
            match self.store.apply(part).map_err(named)? {
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
            let stored = &self.store.streams[&key];
            if stored.health.outstanding as usize != stored.failures.len() {
                let (counted, rows) = (stored.health.outstanding, stored.failures.len());
                return Err(named(format!("{counted} failed deliveries outstanding are counted, {rows} are stored")));
            }
            if let Some(ledger) = self.ledgers.get_mut(&key) {
                ledger.saved(&part.standings);
            }
        }
        self.coverage.reached(Reached::CheckpointApplied);
        self.note(|| format!("the checkpoint with the head at {:?} is saved", saving.head));
        self.audit()
    }

    /// Ends the checkpoint under way and makes another one; true if that had anything to save.
    pub(crate) fn save_all(&mut self) -> Result<bool, String> {
        while self.take_next()? {}
        self.save()?;
        self.begin_saving();
        while self.take_next()? {}
        let some =
            self.shell.saving.as_ref().is_some_and(|saving| !saving.taken.is_empty() || saving.head > self.store.head);
        self.save()?;
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
        if let Some(saving) = self.shell.saving.take_if(|saving| saving.to_take.is_empty())
            && self.random.percent(50)
        {
            self.coverage.reached(Reached::CrashAfterCommit);
            self.store_checkpoint(&saving)?;
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
        self.coverage.reached(Reached::GracefulRestart);
        self.note(|| String::from("shutting down"));
        for key in self.shell.streams.keys().copied().collect::<Vec<_>>() {
            for flight in self.ledgers.get(&key).map(Ledger::in_flight).unwrap_or_default() {
                let outcome = self.receivers[&key].answer(&mut self.random);
                self.end_attempt(key, flight, outcome)?;
            }
        }
        self.save_all()?;
        for (key, ledger) in &mut self.ledgers {
            if self.store.streams.contains_key(key) && !ledger.is_saved() {
                return Err(format!("stream {key}: not all that happened was saved at shutdown"));
            }
            ledger.crash(|_| false);
        }
        self.start();
        self.audit()
    }
}
