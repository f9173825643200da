//! The newest events, kept in memory as they are committed, so that whoever is at the head reads no disk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use domain::event::{LoggedEvent, Seq};

use crate::{LogChunk, ReadLimit};

/// Bytes of bodies kept; more where the last commit alone has more, so that who is at the head finds all of it.
const TAIL_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(super) struct Tail {
    inner: Mutex<Inner>,
}

/// `events` are the ones at the positions from `first` on, without a gap.
struct Inner {
    first: Seq,
    events: VecDeque<Arc<LoggedEvent>>,
    bytes: usize,
}

impl Tail {
    /// An empty tail of a log whose next position is `next`.
    pub(super) fn new(next: Seq) -> Self {
        Self { inner: Mutex::new(Inner { first: next, events: VecDeque::new(), bytes: 0 }) }
    }

    /// Adds what has been committed, at once.
    pub(super) fn append(&self, events: impl IntoIterator<Item = Arc<LoggedEvent>>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut earlier = inner.events.len();
        for event in events {
            inner.bytes += event.event.body.len();
            inner.events.push_back(event);
        }
        if inner.events.len() == earlier {
            return;
        }
        while inner.bytes > TAIL_BYTES_MAX && earlier > 0 {
            earlier -= 1;
            let Some(oldest) = inner.events.pop_front() else { break };
            inner.bytes -= oldest.event.body.len();
            inner.first = oldest.seq.next();
        }
    }

    /// Takes over other bodies of events that it may have.
    pub(super) fn replace(&self, events: impl IntoIterator<Item = Arc<LoggedEvent>>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let place = event.seq.0.checked_sub(inner.first.0).and_then(|place| usize::try_from(place).ok());
            let bytes = event.event.body.len();
            let Some(kept) = place.and_then(|place| inner.events.get_mut(place)) else { continue };
            let former = std::mem::replace(kept, event);
            inner.bytes = (inner.bytes + bytes).saturating_sub(former.event.body.len());
        }
    }

    /// The stretch asked for, if it begins in the tail.
    pub(super) fn read(&self, from: Seq, until: Seq, limit: ReadLimit) -> Option<LogChunk> {
        self.read_if(from, until, limit, |_| true)
    }

    /// What is wanted of the stretch asked for, if it begins in the tail.
    pub(super) fn read_if(
        &self,
        from: Seq,
        until: Seq,
        limit: ReadLimit,
        is_wanted: impl Fn(&LoggedEvent) -> bool,
    ) -> Option<LogChunk> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(from.0.checked_sub(inner.first.0)?).ok()?;
        let mut chunk = LogChunk { events: Vec::new(), next: until.max(from) };
        let mut bytes = 0;
        for event in inner.events.range(skip.min(inner.events.len())..).take_while(|event| event.seq < until) {
            if chunk.events.len() >= limit.events || bytes >= limit.bytes {
                chunk.next = event.seq;
                break;
            }
            if !is_wanted(event) {
                continue;
            }
            bytes += event.event.body.len();
            chunk.events.push(Arc::clone(event));
        }
        Some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use domain::catalog::EventType;
    use domain::clock::Timestamp;
    use domain::event::{Event, Subject};
    use domain::ids::{EventId, TenantId};

    use super::*;

    fn event(seq: u64, bytes: usize) -> Arc<LoggedEvent> {
        let event = Event {
            id: EventId::from_number(seq.into()),
            event_type: EventType::UserCreated,
            subject: Subject::new("user", "1"),
            time: Timestamp::from_millis(0),
            body: Bytes::from(vec![b'x'; bytes]),
        };
        Arc::new(LoggedEvent { seq: Seq(seq), tenant: TenantId(1), only_stream: None, event })
    }

    const LIMIT: ReadLimit = ReadLimit { events: 2, bytes: 1000 };

    fn seqs(chunk: &LogChunk) -> Vec<u64> {
        chunk.events.iter().map(|event| event.seq.0).collect()
    }

    #[test]
    fn another_body_takes_the_place_of_the_former() {
        let tail = Tail::new(Seq(5));
        tail.append((5..9).map(|seq| event(seq, 10)));
        tail.replace([event(4, 3), event(6, 3), event(9, 3)]);
        let all = ReadLimit { events: 9, bytes: 1000 };
        let chunk = tail.read(Seq(5), Seq(9), all).unwrap();
        assert_eq!(seqs(&chunk), [5, 6, 7, 8]);
        let bytes: Vec<_> = chunk.events.iter().map(|event| event.event.body.len()).collect();
        assert_eq!(bytes, [10, 3, 10, 10]);
        assert_eq!(tail.inner.lock().unwrap().bytes, 33);
    }

    #[test]
    fn what_is_not_wanted_is_passed_over_and_has_been_read() {
        let tail = Tail::new(Seq(5));
        tail.append((5..12).map(|seq| event(seq, 10)));
        let even = |logged: &LoggedEvent| logged.seq.0.is_multiple_of(2);
        let chunk = tail.read_if(Seq(5), Seq(12), LIMIT, even).unwrap();
        assert_eq!((seqs(&chunk), chunk.next), (vec![6, 8], Seq(9)));
        let chunk = tail.read_if(Seq(9), Seq(12), LIMIT, even).unwrap();
        assert_eq!((seqs(&chunk), chunk.next), (vec![10], Seq(12)));
        let chunk = tail.read_if(Seq(5), Seq(12), LIMIT, |_| false).unwrap();
        assert_eq!((seqs(&chunk), chunk.next), (vec![], Seq(12)));
        assert!(tail.read_if(Seq(4), Seq(12), LIMIT, even).is_none());
    }

    #[test]
    fn reads_stretches_and_knows_what_it_forgot() {
        let tail = Tail::new(Seq(5));
        tail.append((5..9).map(|seq| event(seq, 10)));
        assert!(tail.read(Seq(4), Seq(9), LIMIT).is_none());
        let chunk = tail.read(Seq(5), Seq(9), LIMIT).unwrap();
        assert_eq!((seqs(&chunk), chunk.next), (vec![5, 6], Seq(7)));
        let chunk = tail.read(Seq(8), Seq(9), LIMIT).unwrap();
        assert_eq!((seqs(&chunk), chunk.next), (vec![8], Seq(9)));
        let chunk = tail.read(Seq(6), Seq(7), LIMIT).unwrap();
        assert_eq!((seqs(&chunk), chunk.next), (vec![6], Seq(7)));
        assert_eq!(tail.read(Seq(9), Seq(9), LIMIT).unwrap().events.len(), 0);
        tail.append([event(9, TAIL_BYTES_MAX)]);
        assert!(tail.read(Seq(8), Seq(10), LIMIT).is_none());
        assert!(tail.read(Seq(9), Seq(10), LIMIT).is_some());
    }

    #[test]
    fn what_was_committed_last_is_kept_whole() {
        let tail = Tail::new(Seq(5));
        tail.append([event(5, 10)]);
        tail.append((6..9).map(|seq| event(seq, TAIL_BYTES_MAX)));
        tail.append([]);
        assert!(tail.read(Seq(5), Seq(9), LIMIT).is_none());
        assert_eq!(seqs(&tail.read(Seq(6), Seq(9), LIMIT).unwrap()), [6]);
        tail.append([event(9, 10)]);
        assert!(tail.read(Seq(8), Seq(10), LIMIT).is_none());
        assert_eq!(seqs(&tail.read(Seq(9), Seq(10), LIMIT).unwrap()), [9]);
    }
}
