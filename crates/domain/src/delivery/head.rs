//! The end of the log: which streams are there, and which of them want an event.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::catalog::{EventType, EventTypes};
use crate::clock::Timestamp;
use crate::event::{LoggedEvent, Seq};
use crate::ids::TenantId;

const MINUTE_MS: i64 = 60_000;

/// How many events a tenant has raised in a minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoggedCount {
    /// Whose.
    pub tenant: TenantId,
    /// When the minute begins.
    pub minute: Timestamp,
    /// How many.
    pub events: u64,
}

/// The streams that have looked at everything below `frontier`, by what they want.
///
/// They are found by tenant and type, so a stream to which nothing applies costs nothing per event.
#[derive(Debug)]
pub struct Head<K> {
    frontier: Seq,
    subscribers: HashMap<(TenantId, EventType), Vec<K>>,
    members: HashMap<K, (TenantId, EventTypes)>,
    /// What was handed out since that was last taken, by tenant and minute.
    logged: BTreeMap<(TenantId, i64), u64>,
}

impl<K: Copy + Eq + Hash> Head<K> {
    /// A head that has handed out everything below `frontier`, with no streams at it.
    pub fn new(frontier: Seq) -> Self {
        Self { frontier, subscribers: HashMap::new(), members: HashMap::new(), logged: BTreeMap::new() }
    }

    /// Everything below this has been handed out.
    pub const fn frontier(&self) -> Seq {
        self.frontier
    }

    /// Counts an event that is handed out: what is for one stream only was not raised, but told.
    pub fn count(&mut self, logged: &LoggedEvent) {
        if logged.only_stream.is_none() {
            let minute = logged.event.time.as_millis().div_euclid(MINUTE_MS);
            *self.logged.entry((logged.tenant, minute)).or_default() += 1;
        }
    }

    /// What was counted since this was last asked, below [`Head::frontier`].
    pub fn take_logged(&mut self) -> Vec<LoggedCount> {
        let taken = std::mem::take(&mut self.logged).into_iter();
        let count = |((tenant, minute), events)| LoggedCount {
            tenant,
            minute: Timestamp::from_millis(minute * MINUTE_MS),
            events,
        };
        taken.map(count).collect()
    }

    /// Takes in a stream that has looked at everything below `frontier`. Refused (false) if the head is
    /// ahead of it: it has to read on for itself first, or it would miss what lies between.
    pub fn join(&mut self, stream: K, frontier: Seq, tenant: TenantId, types: EventTypes) -> bool {
        if frontier < self.frontier {
            return false;
        }
        self.leave(stream);
        for event_type in types.iter() {
            self.subscribers.entry((tenant, event_type)).or_default().push(stream);
        }
        self.members.insert(stream, (tenant, types));
        true
    }

    /// Takes a stream out; true if it was here. It has looked at everything below [`Head::frontier`].
    pub fn leave(&mut self, stream: K) -> bool {
        let Some((tenant, types)) = self.members.remove(&stream) else { return false };
        for event_type in types.iter() {
            if let Some(list) = self.subscribers.get_mut(&(tenant, event_type)) {
                list.retain(|each| *each != stream);
                if list.is_empty() {
                    self.subscribers.remove(&(tenant, event_type));
                }
            }
        }
        true
    }

    /// Whether a stream is here.
    pub fn contains(&self, stream: K) -> bool {
        self.members.contains_key(&stream)
    }

    /// The streams that want events of this type of this tenant.
    pub fn subscribers(&self, tenant: TenantId, event_type: EventType) -> &[K] {
        self.subscribers.get(&(tenant, event_type)).map_or(&[], Vec::as_slice)
    }

    /// Everything below `frontier` has now been handed out.
    pub fn advance(&mut self, frontier: Seq) {
        self.frontier = self.frontier.max(frontier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Subject};
    use crate::ids::{EventId, StreamId};

    #[test]
    fn what_is_handed_out_is_counted_by_tenant_and_minute() {
        let mut head: Head<&str> = Head::new(Seq(1));
        let raised = |tenant, millis, only_stream| LoggedEvent {
            seq: Seq(1),
            tenant: TenantId(tenant),
            only_stream,
            event: Event {
                id: EventId::from_number(1),
                event_type: EventType::UserCreated,
                subject: Subject::new("user", "1"),
                time: Timestamp::from_millis(millis),
                body: bytes::Bytes::new(),
            },
        };
        for (tenant, millis) in [(1, 59_999), (1, 0), (2, 60_000), (1, 60_000)] {
            head.count(&raised(tenant, millis, None));
        }
        head.count(&raised(1, 0, Some(StreamId::from_number(1))));
        let count = |tenant, millis, events| LoggedCount {
            tenant: TenantId(tenant),
            minute: Timestamp::from_millis(millis),
            events,
        };
        assert_eq!(head.take_logged(), [count(1, 0, 2), count(1, 60_000, 1), count(2, 60_000, 1)]);
        assert_eq!(head.take_logged(), []);
    }

    #[test]
    fn a_stream_behind_the_head_may_not_join() {
        let tenant = TenantId(1);
        let types: EventTypes = [EventType::UserCreated].into_iter().collect();
        let mut head = Head::new(Seq(10));
        assert!(!head.join("a", Seq(9), tenant, types.clone()));
        assert!(head.join("a", Seq(10), tenant, types.clone()));
        assert!(head.join("b", Seq(12), tenant, types));
        assert_eq!(head.subscribers(tenant, EventType::UserCreated), ["a", "b"]);
        assert!(head.subscribers(TenantId(2), EventType::UserCreated).is_empty());
        assert!(head.leave("a"));
        assert!(!head.leave("a"));
        assert_eq!(head.subscribers(tenant, EventType::UserCreated), ["b"]);
    }
}
