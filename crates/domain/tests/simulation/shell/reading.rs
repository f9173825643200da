//! What streams read: at the head, behind it, what they ask for, and redeliveries.

use domain::clock::Moment;
use domain::delivery::{Cause, Feed, Phase, Redelivery};
use domain::event::Seq;

use super::super::coverage::{Coverage, Reached};
use super::super::store::{Store, StreamKey};
use super::{Chunk, Payload, Shell};

impl Shell {
    /// Hands out at most `most` events at the head.
    pub(crate) fn hand_out(&mut self, store: &Store, now: Moment, most: usize, coverage: &mut Coverage) -> bool {
        if !self.started {
            return false;
        }
        let events = store.read(self.head.frontier(), self.known);
        let rest = events.len() > most;
        for event in events.iter().take(most) {
            for key in self.head.subscribers(event.tenant, event.event_type).to_vec() {
                if !event.is_for(key) {
                    continue;
                }
                let Some(running) = self.streams.get_mut(&key) else { continue };
                running.core.advance(event.seq);
                if running.offer(now, event) == Feed::Full {
                    running.set_at_head(false);
                    self.head.leave(key);
                    coverage.reached(Reached::Full);
                }
            }
            self.head.advance(event.seq.next());
        }
        if !rest {
            self.head.advance(self.known);
        }
        !events.is_empty()
    }

    /// A stream behind the head begins to read on for itself, at most `most` events; true if it did.
    pub(crate) fn begin_reading(&mut self, key: StreamKey, store: &Store, most: usize) -> bool {
        let until = self.head.frontier();
        let Some(running) = self.streams.get_mut(&key) else { return false };
        let room = running.core.room();
        if running.chunk.is_some() || running.at_head || room == 0 || room < running.core.held() {
            return false;
        }
        let frontier = running.core.frontier();
        let from = running.known.spans.next_wanted(frontier).unwrap_or(until).min(until).max(frontier);
        let events = store.read(from, until);
        let next = events.get(most).map_or(until.max(from), |event| event.seq);
        let events = events[..most.min(events.len())].to_vec();
        running.chunk = Some(Chunk { seeks: running.known.seeks, events, next });
        true
    }

    /// Takes what was read behind the head, and joins the head where that has been reached; true if it read.
    pub(crate) fn take_chunk(&mut self, key: StreamKey, now: Moment, coverage: &mut Coverage) -> bool {
        let Some(running) = self.streams.get_mut(&key) else { return false };
        let Some(chunk) = running.chunk.take() else { return false };
        running.touched = true;
        if running.at_head || running.known.seeks != chunk.seeks || running.core.phase() == Phase::Disabled {
            coverage.reached(Reached::StaleRead);
            return true;
        }
        let tenant = running.known.tenant;
        let is_for = |event: &&super::Event| event.tenant == tenant && event.is_for(key);
        for event in chunk.events.iter().filter(is_for) {
            if event.seq < running.core.frontier() {
                continue;
            }
            if running.offer(now, event) == Feed::Full {
                running.core.advance(event.seq);
                return true;
            }
        }
        running.core.advance(chunk.next);
        let frontier = running.core.frontier();
        let joined = self.head.join(key, frontier, tenant, running.known.spans.wanted_from(frontier));
        if joined {
            running.set_at_head(true);
        }
        coverage.reached(if joined { Reached::Join } else { Reached::JoinRefused });
        true
    }

    /// Answers one of a stream's orders to load. They are fetched at the same time, so any of them may be the
    /// first.
    pub(crate) fn answer_load(
        &mut self,
        key: StreamKey,
        store: &Store,
        now: Moment,
        which: usize,
        coverage: &mut Coverage,
    ) -> Option<Vec<Seq>> {
        let running = self.streams.get_mut(&key).filter(|running| !running.loads.is_empty())?;
        let which = which % running.loads.len();
        if which > 0 {
            coverage.reached(Reached::LoadsOutOfOrder);
        }
        let mut answered = running.loads.remove(which);
        answered.sort_unstable();
        for seq in &answered {
            running.touched = true;
            let event = store.get(*seq);
            if event.is_none() {
                coverage.reached(Reached::LoadForgotten);
            }
            let payload = Payload { seq: *seq, redelivery: false };
            running.core.loaded(now, *seq, event.map(|event| (event.subject, 100, payload)));
        }
        Some(answered)
    }

    /// Offers the redeliveries that were found waiting before, or looks which wait; answers what the core has taken of
    /// them. When a checkpoint was saved in between, they may be done by now and have to be looked for again.
    pub(crate) fn redeliveries(&mut self, key: StreamKey, store: &Store) -> Option<Vec<(Seq, Cause)>> {
        let (running, stored) = (self.streams.get_mut(&key)?, store.streams.get(&key)?);
        let core = &mut running.core;
        let (saves, mut found) = running.found.take().unwrap_or_default();
        found.retain(|_| saves == running.saves);
        let mut taken = Vec::new();
        for (seq, cause) in found {
            let Some(event) = store.get(seq).filter(|_| core.redelivery_room() > 0) else { continue };
            let (before, payload) = (core.redelivering().len(), Payload { seq, redelivery: true });
            core.redeliver(&Redelivery { seq, subject: event.subject, cause }, 100, payload);
            running.touched = true;
            if core.redelivering().len() > before {
                taken.push((seq, cause));
            }
        }
        if !taken.is_empty() {
            return Some(taken);
        }
        let mut waiting = stored.redeliveries_waiting();
        waiting.retain(|(seq, _)| !core.is_redelivering(*seq));
        let new = core.redelivery_room() > 0 && !waiting.is_empty();
        running.found = Some((running.saves, waiting));
        new.then(Vec::new)
    }

    /// Asks which of what is in hand nobody wants any more, or withdraws from a core what it was told so of; answers
    /// what that was. What is wanted again by then is looked for again.
    pub(crate) fn withdraw(&mut self, key: StreamKey, store: &Store) -> Option<Vec<Seq>> {
        let (running, stored) = (self.streams.get_mut(&key)?, store.streams.get(&key)?);
        if let Some(seqs) = running.withdrawn.take() {
            running.core.withdraw(&seqs);
            running.touched = true;
            return Some(seqs);
        }
        // What was found was wanted when it was looked for.
        let seqs = stored.withdrawn(&running.core.redelivering());
        running.withdrawn = (!seqs.is_empty()).then_some(seqs);
        None
    }
}
