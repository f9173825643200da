//! Taking over what has changed of the streams' settings.

use domain::clock::Moment;
use domain::delivery::{Ordering, Phase, Saved, StreamCore};
use domain::event::Seq;
use domain::stream::StreamStatus;

use super::super::store::{Settings, Store, StoredStream, StreamKey};
use super::{Running, Shell};

/// What a core was told of its stream's settings, in the order in which it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    Restored(Ordering),
    /// Moved to `to`, when it had taken up everything below `frontier`.
    Moved {
        to: Seq,
        frontier: Seq,
    },
    Reordered(Ordering),
    Enabled,
    Disabled,
    Removed,
}

impl Running {
    fn restore(stored: &StoredStream, head: Seq, known: Settings) -> Self {
        let phase = match known.stream.status {
            StreamStatus::Enabled => Phase::Enabled,
            StreamStatus::Disabled => Phase::Disabled,
        };
        let mut position = stored.position.clone();
        position.frontier = stored.frontier(head);
        let saved = Saved {
            position,
            failures_in_row: stored.in_row,
            failed: stored.failures.keys().copied().collect(),
            parked: stored.parked.values().cloned().collect(),
            alert_state: stored.alerts.state,
        };
        let mut core = StreamCore::restore(known.policy.clone(), phase, saved);
        // What is saved may still say that it is at the head, which it is not yet.
        core.touch();
        Self {
            core,
            known,
            loads: Vec::new(),
            chunk: None,
            at_head: false,
            found: None,
            withdrawn: None,
            saves: 0,
            in_flight_before: 0,
            touched: true,
            wake: None,
        }
    }

    /// Takes over changed settings. The stream is not at the head meanwhile.
    fn change(&mut self, now: Moment, changed: &Settings) -> Vec<Notice> {
        let mut notices = Vec::new();
        self.touched = true;
        if changed.seeks > self.known.seeks {
            notices.push(Notice::Moved { to: changed.sought, frontier: self.core.frontier() });
            self.core.seek(changed.sought);
        }
        if changed.policy.ordering != self.known.policy.ordering {
            notices.push(Notice::Reordered(changed.policy.ordering));
        }
        self.in_flight_before = self.core.in_flight();
        self.core.set_policy(changed.policy.clone());
        let flipped = changed.generation != self.known.generation;
        match changed.stream.status {
            StreamStatus::Enabled if flipped => {
                self.core.enable();
                notices.push(Notice::Enabled);
            }
            StreamStatus::Enabled => {}
            StreamStatus::Disabled => {
                if self.core.phase() == Phase::Enabled {
                    notices.push(Notice::Disabled);
                }
                self.core.disable(now);
            }
        }
        self.known = changed.clone();
        notices
    }
}

impl Shell {
    /// Takes notice of the streams' settings, and of the log up to `target`; answers what was made known to
    /// which core.
    pub(crate) fn sync(&mut self, store: &Store, now: Moment, target: Seq) -> Vec<(StreamKey, Vec<Notice>)> {
        let mut notices = Vec::new();
        if !self.adding.is_empty() {
            // One after the other: those that were read are started first.
            return notices;
        }
        self.known = target;
        let gone: Vec<StreamKey> =
            self.streams.keys().filter(|key| !store.streams.contains_key(key)).copied().collect();
        for key in gone {
            self.head.leave(key);
            self.streams.remove(&key);
            notices.push((key, vec![Notice::Removed]));
        }
        for (&key, stored) in &store.streams {
            let Some(running) = self.streams.get_mut(&key) else {
                if self.adding.iter().all(|(adding, _)| *adding != key) {
                    self.adding.push_back((key, stored.settings.clone()));
                }
                continue;
            };
            if running.known.version == stored.settings.version {
                continue;
            }
            if self.head.leave(key) {
                running.core.advance(self.head.frontier());
            }
            running.set_at_head(false);
            notices.push((key, running.change(now, &stored.settings)));
        }
        self.started |= self.adding.is_empty();
        notices
    }

    /// Reads where the next new stream stands, and starts it. One that was moved since its settings were read is not:
    /// where it stands does not fit them. It is started with those that are read next.
    pub(crate) fn add_next(&mut self, store: &Store) -> Option<(StreamKey, Option<Ordering>)> {
        let (key, known) = self.adding.pop_front()?;
        self.started |= self.adding.is_empty();
        let stored = store.streams.get(&key)?;
        if known.seeks != stored.settings.seeks {
            return Some((key, None));
        }
        let ordering = known.policy.ordering;
        self.streams.insert(key, Running::restore(stored, store.head, known));
        Some((key, Some(ordering)))
    }
}
