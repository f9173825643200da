//! Users, and snapshots of them: told of in steps, or first of all when they are about to change.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::event::Seq;
use domain::ids::TenantId;

use super::{Event, Store, StreamKey};

/// A user, with which of their states this is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) tenant: TenantId,
    pub(crate) revision: u64,
}

/// A snapshot under way.
#[derive(Debug)]
pub(crate) struct Snapshot {
    tenant: TenantId,
    told: u64,
    last: u64,
    early: BTreeSet<u64>,
}

/// What came of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    More,
    Waiting,
    Done,
}

impl Store {
    /// Everybody of a tenant, with which of their states they are in.
    pub(crate) fn users_of(&self, tenant: TenantId) -> BTreeMap<u64, u64> {
        let ours = self.users.iter().filter(|(_, user)| user.tenant == tenant);
        ours.map(|(number, user)| (*number, user.revision)).collect()
    }

    /// Begins the snapshot of a stream that was just created.
    pub(crate) fn snapshot_begin(&mut self, key: StreamKey) {
        let Some(stored) = self.streams.get(&key) else { return };
        let last = self.users.keys().last().copied().unwrap_or(0);
        let snapshot = Snapshot { tenant: stored.settings.tenant, told: 0, last, early: BTreeSet::new() };
        self.snapshots.insert(key, snapshot);
    }

    fn tell(&mut self, key: StreamKey, number: u64, at: Timestamp) {
        let Some(User { tenant, revision }) = self.users.get(&number).copied() else { return };
        let seq = self.end();
        let event_type = EventType::UserCreated;
        self.log.push(Event {
            seq,
            tenant,
            event_type,
            subject: number,
            at,
            revision,
            only: Some(key),
            is_test: false,
        });
    }

    /// Tells the snapshots under way of a user who is about to change, or to go.
    pub(crate) fn user_changes(&mut self, number: u64, at: Timestamp) {
        let Some(tenant) = self.users.get(&number).map(|user| user.tenant) else { return };
        let mut due = Vec::new();
        for (key, snapshot) in self.snapshots.iter_mut().filter(|(_, snapshot)| snapshot.tenant == tenant) {
            if number > snapshot.told && number <= snapshot.last && snapshot.early.insert(number) {
                due.push(*key);
            }
        }
        for key in due {
            self.tell(key, number, at);
        }
    }

    /// Looks at the next `most` users. While the stream is disabled it waits: what it is told then, it would miss.
    pub(crate) fn snapshot_step(&mut self, key: StreamKey, at: Timestamp, most: usize) -> Told {
        let enabled = self.streams.get(&key).is_some_and(super::StoredStream::is_enabled);
        let Some(snapshot) = self.snapshots.get_mut(&key) else { return Told::Done };
        if !enabled {
            return Told::Waiting;
        }
        let next = self.users.range(snapshot.told + 1..=snapshot.last.max(snapshot.told + 1)).take(most);
        let next: Vec<(u64, TenantId)> =
            next.filter(|(number, _)| **number <= snapshot.last).map(|(number, user)| (*number, user.tenant)).collect();
        let tenant = snapshot.tenant;
        let (due, told) = (next.clone(), next.last().map_or(snapshot.last, |(number, _)| *number));
        snapshot.told = told;
        let early = std::mem::take(&mut snapshot.early);
        snapshot.early = early.iter().copied().filter(|number| *number > told).collect();
        let done = told >= snapshot.last;
        for (number, _) in due.into_iter().filter(|(number, of)| *of == tenant && !early.contains(number)) {
            self.tell(key, number, at);
        }
        if done {
            self.snapshots.remove(&key);
        }
        if done { Told::Done } else { Told::More }
    }

    /// A change of a user, with its event; `None` if there is no such user.
    pub(crate) fn user_change(&mut self, number: u64, event_type: EventType, at: Timestamp, gap: u64) -> Option<Seq> {
        self.user_changes(number, at);
        let user = self.users.get_mut(&number)?;
        user.revision += 1;
        let User { tenant, revision } = *user;
        if event_type == EventType::UserDeleted {
            self.users.remove(&number);
        }
        let seq = Seq(self.end().0 + gap);
        self.log.push(Event { seq, tenant, event_type, subject: number, at, revision, only: None, is_test: false });
        Some(seq)
    }
}
