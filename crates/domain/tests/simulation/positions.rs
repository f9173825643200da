//! What users do about positions: streams that start elsewhere, are moved, resume, or begin with a snapshot; and the log
//! that forgets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::delivery::Policy;
use domain::event::Seq;
use domain::ids::TenantId;
use domain::place::{Place, Resume};

use super::Checked;
use super::coverage::Reached;
use super::ledger::Ledger;
use super::store::{Event, StreamKey, Told};
use super::world::World;

/// What a snapshot has to tell of: everybody as they were when its stream was created.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    as_of: BTreeMap<u64, u64>,
    told: BTreeSet<u64>,
    done: bool,
}

impl Telling {
    /// The log tells the stream of a user.
    fn tell(&mut self, event: &Event) -> Checked {
        let Event { subject, revision, .. } = *event;
        if self.as_of.get(&subject) != Some(&revision) {
            return Err(format!("{event:?} is not as of the beginning: {:?}", self.as_of.get(&subject)));
        }
        if !self.told.insert(subject) {
            return Err(format!("{event:?} is told of once more"));
        }
        Ok(())
    }

    /// The log has a change of a user.
    fn changes(&self, event: &Event) -> Checked {
        if self.as_of.contains_key(&event.subject) && !self.told.contains(&event.subject) {
            return Err(format!("{event:?} comes before they are told of"));
        }
        Ok(())
    }

    /// Everybody was told of.
    pub(crate) fn is_complete(&self) -> Checked {
        let missing: Vec<_> = self.as_of.keys().filter(|number| !self.told.contains(number)).collect();
        if !self.done || !missing.is_empty() {
            return Err(format!("the snapshot has not told of {missing:?}; done: {}", self.done));
        }
        Ok(())
    }
}

impl World {
    /// Something was appended, from `from` on: the streams that want it expect it.
    pub(crate) fn appended(&mut self, from: Seq) -> Checked {
        let events = self.store.read(from, self.store.end()).to_vec();
        for event in &events {
            self.note(|| format!("{event:?} is appended"));
            for (key, stored) in &self.store.streams {
                let (settings, enabled) = (&stored.settings, stored.is_enabled());
                let wanted = enabled && event.is_wanted(*key, settings.tenant, &settings.stream.event_types());
                if let Some(ledger) = self.ledgers.get_mut(key).filter(|_| wanted) {
                    ledger.expect(event);
                }
            }
            for (key, telling) in &mut self.tellings {
                match event.only {
                    Some(only) if only == *key => telling.tell(event),
                    Some(_) => Ok(()),
                    None => telling.changes(event),
                }
                .map_err(|why| format!("stream {key}: {why}"))?;
            }
        }
        Ok(())
    }

    fn any_place(&mut self) -> Place {
        let (oldest, end) = (self.store.oldest(), self.store.end());
        let span = usize::try_from(end.0 - oldest.0).unwrap_or(0);
        match self.random.below(8) {
            0 => Place::Beginning,
            1 => Place::Now,
            2 => Place::Time(self.any_time()),
            _ => Place::Position(Seq(oldest.0 + self.random.below(span + 1) as u64)),
        }
    }

    fn any_time(&mut self) -> Timestamp {
        let ago = self.random.pick(&[0, 1, 5, 60, 600]);
        self.now.wall.minus(Duration::from_secs(ago))
    }

    /// What a stream gets of the log from a position on, with what it subscribes to now.
    fn wanted(&self, key: StreamKey, from: Seq) -> Vec<Event> {
        let settings = &self.store.streams[&key].settings;
        let types = settings.stream.event_types();
        let events = self.store.read(from, self.store.end()).iter();
        events.filter(|event| event.is_wanted(key, settings.tenant, &types)).copied().collect()
    }

    /// A new stream: from now on, from a place in the log, or with a snapshot first.
    pub(crate) fn start_stream(&mut self, key: StreamKey, tenant: TenantId, types: Vec<EventType>, policy: Policy) {
        let begins = self.random.below(10);
        let place = if begins < 3 { self.any_place() } else { Place::Now };
        let from = self.store.resolve(place).unwrap_or_else(|| self.store.end());
        let snapshot = begins > 6 && types.contains(&EventType::UserCreated);
        self.ledgers.insert(key, Ledger::new(policy.ordering));
        self.store.create(key, tenant, types, policy, from);
        let wanted = self.wanted(key, from);
        if let Some(ledger) = self.ledgers.get_mut(&key) {
            ledger.moved_in_store(from, from, &wanted);
        }
        if from < self.store.end() {
            self.coverage.reached(Reached::StartedElsewhere);
        }
        if snapshot {
            let as_of = self.store.users_of(tenant);
            self.store.snapshot_begin(key);
            self.tellings.insert(key, Telling { as_of, ..Telling::default() });
            self.coverage.reached(Reached::SnapshotBegun);
        }
        self.note(|| format!("stream {key} starts at {from:?}, with a snapshot first: {snapshot}"));
    }

    /// A step of a snapshot; true if it was one.
    pub(crate) fn tell_next(&mut self, most: usize) -> Result<bool, String> {
        let keys: Vec<StreamKey> = self.store.snapshots.keys().copied().collect();
        if keys.is_empty() {
            return Ok(false);
        }
        let (first, end) = (self.random.below(keys.len()), self.store.end());
        let (mut key, mut told) = (keys[first], Told::Waiting);
        for index in 0..keys.len() {
            // One that waits does not hold up the others.
            key = keys[(first + index) % keys.len()];
            told = self.store.snapshot_step(key, self.now.wall, most);
            if told != Told::Waiting {
                break;
            }
        }
        self.note(|| format!("the snapshot of stream {key}: {told:?}"));
        match told {
            Told::More => {}
            Told::Waiting => self.coverage.reached(Reached::SnapshotWaits),
            Told::Done => {
                self.coverage.reached(Reached::SnapshotDone);
                if let Some(telling) = self.tellings.get_mut(&key) {
                    telling.done = true;
                }
            }
        }
        if end < self.store.end() {
            self.coverage.reached(Reached::SnapshotTold);
        }
        self.appended(end)?;
        Ok(told != Told::Waiting)
    }

    /// A stream is moved, to anywhere in the log.
    pub(crate) fn move_stream(&mut self, key: StreamKey) {
        let place = self.any_place();
        let Some(to) = self.store.resolve(place) else { return };
        let Some(stored) = self.store.streams.get(&key) else { return };
        let (frontier, cursor) = (stored.frontier(self.store.head), stored.cursor(self.store.head));
        let (enabled, end) = (stored.is_enabled(), self.store.end());
        self.store.seek(key, to);
        let wanted = self.wanted(key, to);
        if let Some(ledger) = self.ledgers.get_mut(&key) {
            ledger.moved_in_store(to, frontier, &wanted);
        }
        self.note(|| format!("stream {key} is moved from {cursor:?}, {frontier:?} to {to:?}"));
        self.coverage.reached(match () {
            () if !enabled => Reached::MovedWhileDisabled,
            () if to == end => Reached::MovedToTheEnd,
            () if to > frontier => Reached::MovedForward,
            () => Reached::MovedBack,
        });
    }

    /// A stream is enabled, and gets what it has missed or a part of it.
    pub(crate) fn resume_stream(&mut self, key: StreamKey) {
        let time = self.any_time();
        let resume = self.random.pick(&[Resume::Now, Resume::Position, Resume::Time(time)]);
        let Some(from) = self.store.resume(key, resume) else { return };
        let wanted = self.wanted(key, from);
        if let Some(ledger) = self.ledgers.get_mut(&key) {
            ledger.resumed_in_store(from, &wanted);
        }
        self.coverage.reached(match resume {
            Resume::Now => Reached::ResumedNow,
            Resume::Position => Reached::ResumedPosition,
            Resume::Time(_) => Reached::ResumedTime,
        });
        self.note(|| format!("stream {key} is enabled: {resume:?}, from {from:?}"));
    }

    /// The log forgets some of what is older than it is kept.
    pub(crate) fn forget(&mut self, most: usize) {
        let parked: usize = self.store.streams.values().map(|stored| stored.parked.len()).sum();
        let before = self.now.wall.minus(self.retention);
        let Some(removed) = self.store.retention_pass(before, most) else { return };
        let oldest = removed.oldest;
        self.note(|| format!("the log has forgotten what is below {oldest:?}"));
        self.coverage.reached(Reached::RetentionEvents);
        if self.store.streams.values().map(|stored| stored.parked.len()).sum::<usize>() < parked {
            self.coverage.reached(Reached::RetentionParked);
        }
        for (key, ledger) in &mut self.ledgers {
            ledger.expired_in_store(oldest, self.shell.streams.contains_key(key));
        }
        for key in removed.failures {
            self.coverage.reached(Reached::RetentionFailures);
            if let (Some(running), Some(ledger)) = (self.shell.streams.get_mut(&key), self.ledgers.get_mut(&key)) {
                running.core.failures_expired(oldest);
                ledger.expired(oldest);
            }
        }
    }
}
