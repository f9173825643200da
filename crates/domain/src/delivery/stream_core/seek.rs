//! Moving a stream in the log.

use super::entries::{Origin, State};
use super::{StreamCore, Ticket};
use crate::delivery::progress::RowChange;
use crate::event::Seq;

impl<E: Clone> StreamCore<E> {
    /// The stream goes on at `to`, wherever it was. What it had taken up below that (in flight, waiting,
    /// parked) ends as it would have. What it had taken up from there on is forgotten, because it will be
    /// read again: parked events are dropped, what waits is not sent, and of what is in flight the answer
    /// counts for nothing, but holds up its lane until it is there. So moving forward passes over what has
    /// not been taken up, and moving back repeats.
    ///
    /// Failed deliveries stay. One that is read again and delivered is one no more; one that fails again has
    /// more attempts.
    ///
    /// Call it once for each time that the store has moved the stream; the store has dropped the same rows.
    pub fn seek(&mut self, to: Seq) {
        self.dirty = true;
        self.window.seek(to);
        self.missing.split_off(&to);
        self.loading.split_off(&to);
        self.rows.retain(|row| !matches!(row, RowChange::Parked(parked) if parked.seq >= to));
        // The store has dropped these rows. But progress that is being saved may bring them back, if the stream is moved
        // forward before it is.
        let dropped = self.parked.forget_from(to);
        self.rows.extend(dropped.into_iter().map(|seq| RowChange::Unparked { seq }));
        let mut later: Vec<Ticket> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.seq >= to && matches!(entry.origin, Origin::Log | Origin::Parked))
            .map(|(ticket, _)| *ticket)
            .collect();
        // From the back, so that none of them gets its turn in between.
        later.sort_unstable();
        for ticket in later.into_iter().rev() {
            match self.entries.get_mut(&ticket) {
                Some(entry) if entry.state == State::InFlight => entry.origin = Origin::Forgotten,
                _ => drop(self.remove(ticket)),
            }
        }
    }
}
