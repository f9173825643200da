//! What is delivered beside the log: redeliveries, missed events, test events.
//!
//! They go through the same lanes, attempts and rows as everything else, but let what comes with the log pass
//! (`lanes.rs`, `ready.rs`), and they are made while the stream is disabled, too.

use super::entries::{Origin, State};
use super::{StreamCore, Ticket};
use crate::delivery::progress::{Cause, Redelivery};
use crate::event::Seq;

impl<E: Clone> StreamCore<E> {
    /// An event is to be delivered beside the log, in a fresh cycle of attempts. One that is under way already, and a
    /// failed delivery that has been delivered since, is left alone. Offer no more than
    /// [`StreamCore::redelivery_room`], in their order.
    pub fn redeliver(&mut self, redelivery: &Redelivery, bytes: usize, payload: E) {
        let Redelivery { seq, subject, cause } = *redelivery;
        let origin = match cause {
            Cause::Failed if !self.failed.contains(&seq) => return,
            Cause::Failed => Origin::Redelivery,
            Cause::OutOfTurn => Origin::OutOfTurn,
        };
        if !self.is_redelivering(seq) && self.redelivering.insert(seq) {
            self.take_up(seq, subject, bytes, origin, Vec::new(), payload);
        }
    }

    /// Nobody asks any more for these to be delivered beside the log. What is in flight ends as it would have; what
    /// waits is not sent.
    pub fn withdraw(&mut self, seqs: &[Seq]) {
        let mut idle: Vec<Ticket> = self
            .entries
            .iter()
            .filter(|(_, entry)| matches!(entry.origin, Origin::Redelivery | Origin::OutOfTurn))
            .filter(|(_, entry)| entry.state != State::InFlight && seqs.contains(&entry.seq))
            .map(|(ticket, _)| *ticket)
            .collect();
        // From the back, so that none of them gets its turn in between.
        idle.sort_unstable();
        for ticket in idle.into_iter().rev() {
            if let Some(entry) = self.remove(ticket) {
                // The store knows already, and may be asked for it again.
                self.redelivered.remove(&entry.seq);
            }
        }
    }

    /// How many more redeliveries it takes right now.
    pub fn redelivery_room(&self) -> usize {
        self.policy.limits.redeliveries_max.saturating_sub(self.redelivering.len())
    }

    /// The positions of what is being delivered beside the log.
    pub fn redelivering(&self) -> Vec<Seq> {
        self.redelivering.iter().copied().collect()
    }

    /// Whether the redelivery of this position is under way, or has ended without the store knowing it yet.
    pub fn is_redelivering(&self, seq: Seq) -> bool {
        self.redelivering.contains(&seq) || self.has_redelivered(seq)
    }

    /// Whether redeliveries have ended without the store knowing it yet.
    pub fn redeliveries_unsaved(&self) -> bool {
        !(self.redelivered.is_empty() && self.redelivered_saving.is_empty())
    }

    /// Whether the redelivery of this position has ended without the store knowing it yet.
    pub fn has_redelivered(&self, seq: Seq) -> bool {
        self.redelivered.contains(&seq) || self.redelivered_saving.contains(&seq)
    }
}
