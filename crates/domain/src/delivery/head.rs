//! The end of the log: which streams are there, and which of them want an event.

use std::collections::HashMap;
use std::hash::Hash;

use crate::catalog::{EventType, EventTypes};
use crate::event::Seq;
use crate::ids::TenantId;

/// The streams that have looked at everything below `frontier`, by what they want.
///
/// They are found by tenant and type, so a stream to which nothing applies costs nothing per event.
#[derive(Debug)]
pub struct Head<K> {
    frontier: Seq,
    subscribers: HashMap<(TenantId, EventType), Vec<K>>,
    members: HashMap<K, (TenantId, EventTypes)>,
}

impl<K: Copy + Eq + Hash> Head<K> {
    /// A head that has handed out everything below `frontier`, with no streams at it.
    pub fn new(frontier: Seq) -> Self {
        Self { frontier, subscribers: HashMap::new(), members: HashMap::new() }
    }

    /// Everything below this has been handed out.
    pub const fn frontier(&self) -> Seq {
        self.frontier
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
