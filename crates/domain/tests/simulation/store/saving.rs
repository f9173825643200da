//! One stream's part of a checkpoint.

use domain::delivery::{DisableReason, Progress, RowChange};
use domain::event::Seq;
use domain::stream::StreamStatus;
use domain::subscription::Interest;

use super::super::Checked;
use super::super::ledger::Standings;
use super::{Store, StoredStream, StreamKey};

/// What a checkpoint saves of one stream.
#[derive(Debug)]
pub(crate) struct StreamProgress {
    pub(crate) stream: StreamKey,
    pub(crate) generation: u64,
    pub(crate) seeks: u64,
    pub(crate) at_head: bool,
    pub(crate) progress: Progress,
    /// What the ledger holds to be saved with it.
    pub(crate) standings: Standings,
}

/// What came of saving a stream's progress.
pub(crate) enum Applied {
    /// Saved.
    Saved,
    /// Saved, and the stream is disabled now.
    Disabled(DisableReason),
    /// Saved; it was not disabled, because it was enabled or disabled since.
    Outdated,
}

impl StoredStream {
    fn row(&mut self, row: &RowChange, oldest: Seq) -> Checked {
        self.asked.row(row);
        let (seq, fits) = match row {
            RowChange::Failed { seq, .. } => {
                self.parked.remove(seq);
                let forgotten = *seq < oldest;
                (*seq, forgotten || self.failures.insert(*seq, false).is_none())
            }
            RowChange::FailedAgain { seq, redelivery, .. } => {
                let row = self.failures.get_mut(seq);
                let there = row.is_some();
                if let Some(requested) = row.filter(|_| *redelivery) {
                    *requested = false;
                }
                (*seq, there)
            }
            RowChange::Recovered { seq } => (*seq, self.failures.remove(seq).is_some()),
            // The job may have been canceled meanwhile.
            RowChange::TurnEnded { seq, .. } => (*seq, true),
            RowChange::Unparked { seq } => (*seq, self.parked.remove(seq).is_some()),
            RowChange::Parked(parked) => {
                self.parked.insert(parked.seq, parked.clone());
                (parked.seq, true)
            }
        };
        // What retention or a move has taken away is not there any more.
        let taken_away = seq < oldest || matches!(row, RowChange::Unparked { .. }) && self.settings.seeks > 0;
        if fits || taken_away { Ok(()) } else { Err(format!("rows do not fit what the store holds: {row:?}")) }
    }
}

impl Store {
    /// One stream's part of a checkpoint; `None` if the stream is gone.
    pub(crate) fn apply(&mut self, saved: &StreamProgress) -> Result<Option<Applied>, String> {
        let (end, oldest) = (self.end(), self.oldest());
        let Some(stored) = self.streams.get_mut(&saved.stream) else { return Ok(None) };
        let progress = &saved.progress;
        // Moved meanwhile: what the progress says of positions from the target on is void.
        let sought = (saved.seeks != stored.settings.seeks).then_some(stored.settings.sought);
        let holds = |seq: Seq| sought.is_none_or(|to| seq < to);
        stored.position.frontier = sought.unwrap_or(progress.position.frontier);
        stored.position.open = progress.position.open.iter().copied().filter(|seq| holds(*seq)).collect();
        stored.at_head = saved.at_head && sought.is_none();
        let current = stored.settings.generation == saved.generation;
        if current {
            // The row of failures of another generation is from before it was enabled or disabled.
            stored.in_row = progress.health.in_row;
        }
        for row in &progress.rows {
            match row {
                RowChange::Parked(parked) if !holds(parked.seq) => {}
                _ => stored.row(row, oldest)?,
            }
        }
        let enabled = current && stored.is_enabled();
        let disabled = progress.disable.is_some() && enabled;
        stored.alerts.save(progress, disabled, enabled, &stored.settings.policy)?;
        Ok(Some(match progress.disable {
            Some(reason) if disabled => {
                let settings = &mut stored.settings;
                settings.stream.status = StreamStatus::Disabled;
                settings.spans.begin(end, Interest::Missed);
                settings.generation += 1;
                settings.version += 1;
                Applied::Disabled(reason)
            }
            Some(_) => Applied::Outdated,
            None => Applied::Saved,
        }))
    }
}
