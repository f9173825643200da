//! The shell as a model: what the crate `delivery` does around the cores, without its tasks.

use std::collections::BTreeMap;

use domain::clock::Moment;
use domain::delivery::{Feed, Head, Phase, Policy, Redelivery, Saved, StreamCore};
use domain::event::Seq;
use domain::ids::TenantId;
use domain::stream::StreamStatus;
use domain::subscription::Spans;

use super::coverage::{Coverage, Reached};
use super::store::{Event, Store, StoredStream, StreamKey, StreamProgress};

/// What the core passes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Payload {
    pub(crate) seq: Seq,
    pub(crate) redelivery: bool,
}

/// A stream as the shell runs it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) tenant: TenantId,
    pub(crate) core: StreamCore<Payload>,
    pub(crate) policy: Policy,
    spans: Spans,
    pub(crate) status: StreamStatus,
    pub(crate) generation: u64,
    version: u64,
    /// Orders to load that are not answered yet.
    pub(crate) loads: Vec<Vec<Seq>>,
    /// Whether it is at the head, or was when it was saved and may not be any more.
    at_head: bool,
    /// Redeliveries that were found waiting, when so many checkpoints had been saved.
    found: Option<(u64, Vec<Seq>)>,
    /// Counts the checkpoints that were saved of it.
    saves: u64,
    /// Something has happened, so the core may have orders.
    pub(crate) touched: bool,
    /// When the core may have orders although nothing happens.
    pub(crate) wake: Option<std::time::Duration>,
}

impl Running {
    fn restore(stored: &StoredStream, head: Seq) -> Self {
        let phase = match stored.status {
            StreamStatus::Enabled => Phase::Enabled,
            StreamStatus::Disabled => Phase::Disabled,
        };
        let mut position = stored.position.clone();
        position.frontier = stored.frontier(head);
        let saved = Saved {
            position,
            failures_in_row: stored.health.in_row,
            failed: stored.failures.keys().copied().collect(),
            parked: stored.parked.values().cloned().collect(),
        };
        Self {
            tenant: stored.tenant,
            core: StreamCore::restore(stored.policy.clone(), phase, saved),
            policy: stored.policy.clone(),
            spans: stored.spans.clone(),
            status: stored.status,
            generation: stored.generation,
            version: stored.version,
            loads: Vec::new(),
            at_head: stored.at_head,
            found: None,
            saves: 0,
            touched: true,
            wake: None,
        }
    }

    /// Enters or leaves the head. That is saved with its position, also when nothing else has changed: the
    /// store must not go on believing that it looks at everything below the head's frontier.
    fn set_at_head(&mut self, at_head: bool) {
        if self.at_head != at_head {
            self.at_head = at_head;
            self.core.touch();
        }
    }

    /// What was taken of it has been saved.
    pub(crate) fn saved(&mut self) {
        self.core.progress_saved();
        self.saves += 1;
        self.touched = true;
    }

    fn offer(&mut self, now: Moment, event: &Event) -> Feed {
        self.touched = true;
        let payload = Payload { seq: event.seq, redelivery: false };
        self.core.feed(now, event.seq, event.subject, 100, payload)
    }
}

/// A checkpoint under way: the head's frontier was noted first, then the streams give their progress one by
/// one while others go on, then it is saved.
#[derive(Debug)]
pub(crate) struct Saving {
    pub(crate) head: Seq,
    pub(crate) to_take: Vec<StreamKey>,
    pub(crate) taken: Vec<StreamProgress>,
}

/// Everything that a crash ends.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) head: Head<StreamKey>,
    /// Settings and log are known up to here.
    pub(crate) known: Seq,
    pub(crate) streams: BTreeMap<StreamKey, Running>,
    pub(crate) saving: Option<Saving>,
}

impl Shell {
    /// A head may start anywhere: streams that are behind it read on for themselves.
    pub(crate) fn start(head: Seq) -> Self {
        Self { head: Head::new(head), known: head, streams: BTreeMap::new(), saving: None }
    }

    /// Takes notice of the streams' settings; answers what was made known to which core.
    pub(crate) fn sync(&mut self, store: &Store, now: Moment, coverage: &mut Coverage) -> Vec<(StreamKey, Notice)> {
        let mut notices = Vec::new();
        self.known = store.end();
        let gone: Vec<StreamKey> =
            self.streams.keys().filter(|key| !store.streams.contains_key(key)).copied().collect();
        for key in gone {
            self.head.leave(key);
            self.streams.remove(&key);
            notices.push((key, Notice::Removed));
        }
        for (&key, stored) in &store.streams {
            let Some(running) = self.streams.get_mut(&key) else {
                self.streams.insert(key, Running::restore(stored, store.head));
                notices.push((key, Notice::Restored));
                self.join(key, coverage);
                continue;
            };
            if running.version == stored.version {
                continue;
            }
            if self.head.leave(key) {
                running.core.advance(self.head.frontier());
            }
            running.version = stored.version;
            running.touched = true;
            running.spans = stored.spans.clone();
            running.status = stored.status;
            if running.policy != stored.policy {
                running.policy = stored.policy.clone();
                running.core.set_policy(stored.policy.clone());
            }
            if running.generation != stored.generation {
                running.generation = stored.generation;
                match stored.status {
                    StreamStatus::Disabled if running.core.phase() == Phase::Enabled => {
                        running.core.disable(now);
                        notices.push((key, Notice::Disabled));
                    }
                    StreamStatus::Disabled => {}
                    StreamStatus::Enabled => {
                        running.core.enable();
                        notices.push((key, Notice::Enabled));
                    }
                }
            }
            self.join(key, coverage);
        }
        notices
    }

    /// Tries to take a stream in at the head.
    fn join(&mut self, key: StreamKey, coverage: &mut Coverage) {
        let Some(running) = self.streams.get_mut(&key) else { return };
        let frontier = running.core.frontier();
        let joined = running.status == StreamStatus::Enabled
            && self.head.join(key, frontier, running.tenant, running.spans.wanted_from(frontier));
        running.set_at_head(joined);
        coverage.reached(if joined { Reached::Join } else { Reached::JoinRefused });
    }

    /// Hands out at most `most` events at the head.
    pub(crate) fn hand_out(&mut self, store: &Store, now: Moment, most: usize, coverage: &mut Coverage) -> bool {
        let events = store.read(self.head.frontier(), self.known);
        let rest = events.len() > most;
        for event in events.iter().take(most) {
            for key in self.head.subscribers(event.tenant, event.event_type).to_vec() {
                let Some(running) = self.streams.get_mut(&key) else { continue };
                if !running.spans.matches(event.seq, event.event_type) {
                    continue;
                }
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

    /// A stream behind the head reads on for itself, at most `most` events; true if it moved.
    pub(crate) fn read_on(
        &mut self,
        key: StreamKey,
        store: &Store,
        now: Moment,
        most: usize,
        coverage: &mut Coverage,
    ) -> bool {
        if self.head.contains(key) {
            return false;
        }
        let Some(running) = self.streams.get_mut(&key).filter(|running| running.status == StreamStatus::Enabled) else {
            return false;
        };
        let from = running.core.frontier();
        let events = store.read(from, self.head.frontier());
        if from < self.head.frontier() {
            if running.core.room() == 0 {
                return false;
            }
            let chunk = &events[..most.min(events.len())];
            let until = if chunk.len() < events.len() { events[chunk.len()].seq } else { self.head.frontier() };
            let mut full = false;
            for event in chunk {
                let wanted = event.tenant == running.tenant && running.spans.matches(event.seq, event.event_type);
                if wanted && running.offer(now, event) == Feed::Full {
                    full = true;
                    break;
                }
            }
            if !full {
                running.core.advance(until);
            }
        }
        let moved = running.core.frontier() > from;
        self.join(key, coverage);
        moved || self.head.contains(key)
    }

    /// Answers one of a stream's orders to load; true if there were any. They are fetched at the same time,
    /// so any of them may be the first.
    pub(crate) fn answer_load(&mut self, key: StreamKey, store: &Store, now: Moment, which: usize) -> Option<Vec<Seq>> {
        let running = self.streams.get_mut(&key).filter(|running| !running.loads.is_empty())?;
        let answered = running.loads.remove(which % running.loads.len());
        for seq in &answered {
            running.touched = true;
            let event = store.get(*seq);
            let payload = Payload { seq: *seq, redelivery: false };
            running.core.loaded(now, *seq, event.map(|event| (event.subject, 100, payload)));
        }
        Some(answered)
    }

    /// Offers the redeliveries that were found waiting before, or looks which wait; answers what was offered.
    /// When a checkpoint was saved in between, they may be done by now and have to be looked for again.
    pub(crate) fn redeliveries(&mut self, key: StreamKey, store: &Store) -> Option<Vec<Seq>> {
        let (running, stored) = (self.streams.get_mut(&key)?, store.streams.get(&key)?);
        let core = &mut running.core;
        let (saves, mut found) = running.found.take().unwrap_or_default();
        found.retain(|seq| saves == running.saves && !core.is_redelivering(*seq));
        found.truncate(core.redelivery_room());
        for event in found.iter().filter_map(|seq| store.get(*seq)) {
            let payload = Payload { seq: event.seq, redelivery: true };
            core.redeliver(&Redelivery { seq: event.seq, subject: event.subject }, 100, payload);
            running.touched = true;
        }
        if !found.is_empty() {
            return Some(found);
        }
        let waiting: Vec<Seq> =
            stored.failures.iter().filter(|(_, requested)| **requested).map(|(seq, _)| *seq).collect();
        let new = core.redelivery_room() > 0 && waiting.iter().any(|seq| !core.is_redelivering(*seq));
        running.found = Some((running.saves, waiting));
        new.then(Vec::new)
    }

    /// What is to be saved of a stream.
    pub(crate) fn take(&mut self, key: StreamKey) -> Option<StreamProgress> {
        let running = self.streams.get_mut(&key)?;
        let progress = running.core.take_progress()?;
        let (generation, at_head) = (running.generation, running.at_head);
        Some(StreamProgress { stream: key, generation, at_head, progress, standings: Vec::new() })
    }
}

/// What a core was told of its stream's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Restored,
    Enabled,
    Disabled,
    Removed,
}
