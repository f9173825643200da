//! What may be forwarded now: events about one subject one after another, others beside them; and up to where
//! everything has been dealt with.

use std::collections::{HashMap, VecDeque};

use crate::events_api::{EventSubject, StreamedEvent};

/// Events that are waiting or under way, at most; then nothing more is read.
const OPEN_MAX: usize = 256;
/// Places behind an event that is still open, at most: one that has to wait for long holds up the others in the end.
const PLACES_MAX: usize = 20_000;

/// What an event waits behind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Subject(EventSubject),
    /// Nobody knows what events of this type are about.
    Type(String),
}

/// An event's number, from when it is taken up to when it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// A place in the log, and whether everything that lies before it has been dealt with, as far as this entry goes.
struct Place {
    offset: String,
    open: Option<Ticket>,
}

/// The events between being read and being settled.
#[derive(Default)]
pub(super) struct Lanes {
    taken: u64,
    /// By lane, the events in the order of the log; the first of each is ready or under way.
    waiting: HashMap<Lane, VecDeque<(Ticket, StreamedEvent)>>,
    lane_of: HashMap<Ticket, Lane>,
    ready: VecDeque<Ticket>,
    /// In the order of the log.
    places: VecDeque<Place>,
}

impl Lanes {
    /// Takes up an event.
    pub(super) fn push(&mut self, event: StreamedEvent) {
        let ticket = Ticket(self.taken);
        self.taken += 1;
        let lane = event.subject().map_or_else(|| Lane::Type(event.event_type.clone()), Lane::Subject);
        self.places.push_back(Place { offset: event.offset.clone(), open: Some(ticket) });
        self.lane_of.insert(ticket, lane.clone());
        let queue = self.waiting.entry(lane).or_default();
        if queue.is_empty() {
            self.ready.push_back(ticket);
        }
        queue.push_back((ticket, event));
    }

    /// Everything up to this offset has been looked at.
    pub(super) fn progress(&mut self, offset: String) {
        // What lies between two offsets without an event is one place.
        match self.places.back_mut() {
            Some(last) if last.open.is_none() => last.offset = offset,
            _ => self.places.push_back(Place { offset, open: None }),
        }
    }

    /// The next event that may go, if there is one.
    pub(super) fn next(&mut self) -> Option<(Ticket, StreamedEvent)> {
        let ticket = self.ready.pop_front()?;
        let queue = self.waiting.get(self.lane_of.get(&ticket)?)?;
        queue.front().cloned()
    }

    /// An event has been dealt with: what waits behind it may go.
    pub(super) fn settle(&mut self, ticket: Ticket) {
        let Some(lane) = self.lane_of.remove(&ticket) else { return };
        if let Some(queue) = self.waiting.get_mut(&lane) {
            queue.pop_front();
            match queue.front() {
                Some((next, _)) => self.ready.push_back(*next),
                None => {
                    self.waiting.remove(&lane);
                }
            }
        }
        if let Some(place) = self.places.iter_mut().find(|place| place.open == Some(ticket)) {
            place.open = None;
        }
    }

    /// The offset up to which everything has been dealt with, if it has moved.
    pub(super) fn settled_to(&mut self) -> Option<String> {
        let mut offset = None;
        while self.places.front().is_some_and(|place| place.open.is_none()) {
            offset = self.places.pop_front().map(|place| place.offset);
        }
        offset
    }

    /// Whether nothing more may be taken up for now.
    pub(super) fn are_full(&self) -> bool {
        self.lane_of.len() >= OPEN_MAX || self.places.len() >= PLACES_MAX
    }

    /// How many events are waiting or under way.
    pub(super) fn open(&self) -> usize {
        self.lane_of.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: usize, user: &str) -> StreamedEvent {
        StreamedEvent {
            offset: format!("o{number}"),
            event_type: "user.updated".into(),
            id: format!("e{number}"),
            source: String::new(),
            time: None,
            body: format!(r#"{{"data":{{"object":{{"user_id":"{user}"}}}}}}"#).into(),
        }
    }

    fn all_ready(lanes: &mut Lanes) -> Vec<(Ticket, String)> {
        std::iter::from_fn(|| lanes.next()).map(|(ticket, event)| (ticket, event.id)).collect()
    }

    #[test]
    fn one_subject_waits_for_itself_and_others_do_not() {
        let mut lanes = Lanes::default();
        for (number, user) in ["a", "b", "a", "a", "c"].into_iter().enumerate() {
            lanes.push(event(number, user));
        }
        let first = all_ready(&mut lanes);
        let ids: Vec<_> = first.iter().map(|(_, id)| id.as_str()).collect();
        assert_eq!(ids, ["e0", "e1", "e4"]);
        lanes.settle(first[1].0);
        assert!(all_ready(&mut lanes).is_empty(), "nothing waits behind b");
        lanes.settle(first[0].0);
        let second = all_ready(&mut lanes);
        assert_eq!(second[0].1, "e2");
        lanes.settle(second[0].0);
        assert_eq!(all_ready(&mut lanes)[0].1, "e3");
    }

    #[test]
    fn the_place_that_is_kept_never_passes_an_event_that_is_open() {
        let mut lanes = Lanes::default();
        lanes.progress("p0".into());
        assert_eq!(lanes.settled_to().as_deref(), Some("p0"));
        lanes.push(event(0, "a"));
        lanes.push(event(1, "b"));
        lanes.progress("p1".into());
        lanes.progress("p2".into());
        lanes.push(event(2, "c"));
        let ready = all_ready(&mut lanes);
        lanes.settle(ready[1].0);
        assert_eq!(lanes.settled_to(), None);
        lanes.settle(ready[0].0);
        assert_eq!(lanes.settled_to().as_deref(), Some("p2"));
        assert_eq!((lanes.settled_to(), lanes.open()), (None, 1));
        lanes.settle(ready[2].0);
        assert_eq!(lanes.settled_to().as_deref(), Some("o2"));
        assert_eq!(lanes.open(), 0);
    }

    #[test]
    fn events_about_nobody_knows_what_are_in_order_by_their_type() {
        let mut lanes = Lanes::default();
        for (number, name) in ["acme.a", "acme.a", "acme.b"].into_iter().enumerate() {
            lanes.push(StreamedEvent { event_type: name.into(), ..event(number, "x") });
        }
        let ids: Vec<_> = all_ready(&mut lanes).into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids, ["e0", "e2"]);
    }

    #[test]
    fn no_more_are_taken_up_than_there_is_room_for() {
        let mut lanes = Lanes::default();
        for number in 0..OPEN_MAX {
            assert!(!lanes.are_full());
            lanes.push(event(number, "a"));
        }
        assert!(lanes.are_full());
        let (ticket, _) = lanes.next().unwrap();
        lanes.settle(ticket);
        assert!(!lanes.are_full());
    }
}
