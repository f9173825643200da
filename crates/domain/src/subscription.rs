//! Which events a stream gets, over the whole log: its subscription has a history.
//!
//! The contract sends what was raised *while* a stream was enabled and subscribed. A stream may lag behind
//! the log when it is edited, so the rule in force at an event's position decides, not the newest one.
//! A stretch in which the stream was disabled is remembered as missed: it can be delivered later.

use serde::{Deserialize, Serialize};

use crate::catalog::{EventType, EventTypes};
use crate::event::Seq;
use crate::stream::EventStream;

/// What a stream wanted over a stretch of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Interest {
    /// Enabled: events of these types.
    Types(EventTypes),
    /// Disabled: nothing; the stretch counts as missed.
    Missed,
}

/// A stretch of the log, from a position to the next span's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first position it covers.
    pub from: Seq,
    /// What was wanted there.
    pub interest: Interest,
}

/// A stream's subscription over the log, oldest span first. Before the first span it wants nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spans(Vec<Span>);

/// How many spans are remembered; beyond that the oldest ones are forgotten.
pub const SPANS_MAX: usize = 256;

impl Spans {
    /// A history that starts at `from`.
    pub fn starting(from: Seq, interest: Interest) -> Self {
        Self(vec![Span { from, interest }])
    }

    /// From `from` on, `interest` holds.
    pub fn begin(&mut self, from: Seq, interest: Interest) {
        self.0.retain(|span| span.from < from);
        if self.0.last().is_none_or(|last| last.interest != interest) {
            self.0.push(Span { from, interest });
        }
        let excess = self.0.len().saturating_sub(SPANS_MAX);
        self.0.drain(..excess);
    }

    /// A history in which what `stream` subscribes to now was wanted from `from` on. Where it is disabled,
    /// what is raised at `end`, the end of the log, or later is missed.
    pub fn placed(stream: &EventStream, from: Seq, end: Seq) -> Self {
        let mut spans = Self(Vec::new());
        spans.place(stream, from, end);
        spans
    }

    /// Writes the history from `from` on anew, as [`Spans::placed`]; what was before stays.
    pub fn place(&mut self, stream: &EventStream, from: Seq, end: Seq) {
        self.begin(from, Interest::Types(stream.event_types()));
        if stream.interest() == Interest::Missed {
            // A stretch of its own, also after another one that was missed: that one was passed over.
            self.0.retain(|span| span.from < end);
            self.0.push(Span { from: end, interest: Interest::Missed });
        }
    }

    /// Where the stretch begins that is being missed at the end of the log, if one is.
    pub fn missed_from(&self) -> Option<Seq> {
        self.0.last().filter(|span| span.interest == Interest::Missed).map(|span| span.from)
    }

    /// What holds at the end of the log.
    pub fn current(&self) -> Interest {
        self.0.last().map_or(Interest::Missed, |span| span.interest.clone())
    }

    /// Whether the event of this type at this position is for the stream.
    pub fn matches(&self, seq: Seq, event_type: EventType) -> bool {
        let covering = self.0.iter().rev().find(|span| span.from <= seq);
        matches!(covering, Some(Span { interest: Interest::Types(types), .. }) if types.contains(event_type))
    }

    /// Every type that is wanted at `from` or after it.
    pub fn wanted_from(&self, from: Seq) -> EventTypes {
        let ends = self.0.iter().skip(1).map(|span| Some(span.from)).chain([None]);
        let ahead = self.0.iter().zip(ends).filter(|(_, end)| end.is_none_or(|end| end > from));
        ahead
            .filter_map(|(span, _)| match &span.interest {
                Interest::Types(types) => Some(types),
                Interest::Missed => None,
            })
            .flat_map(EventTypes::iter)
            .collect()
    }

    /// The first position from `from` on at which anything may be wanted: a stretch that was missed, or lies
    /// before the first span, need not be read. `None` if nothing is wanted any more.
    pub fn next_wanted(&self, from: Seq) -> Option<Seq> {
        let covering = self.0.iter().rposition(|span| span.from <= from);
        match covering.map(|index| &self.0[index].interest) {
            Some(Interest::Types(types)) if !types.is_empty() => Some(from),
            _ => {
                let later = &self.0[covering.map_or(0, |index| index + 1)..];
                later.iter().find(|span| span.interest != Interest::Missed).map(|span| span.from)
            }
        }
    }

    /// Forgets what lies wholly below `cursor` and is not missed, and what lies wholly below `floor`, the
    /// oldest position that the log still holds. What a missed stretch ends at stays with it.
    pub fn prune(&mut self, cursor: Seq, floor: Seq) {
        let ends: Vec<Option<Seq>> =
            (0..self.0.len()).map(|index| self.0.get(index + 1).map(|next| next.from)).collect();
        let mut ends = ends.into_iter();
        let mut after_missed = false;
        self.0.retain(|span| {
            let Some(Some(end)) = ends.next() else { return true };
            let settled = end <= cursor && span.interest != Interest::Missed && !after_missed;
            let kept = !(settled || end <= floor);
            after_missed = kept && span.interest == Interest::Missed;
            kept
        });
    }

    /// The missed stretches, as half-open ranges; the last one may still be open.
    pub fn missed(&self) -> impl Iterator<Item = (Seq, Option<Seq>)> + '_ {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, span)| span.interest == Interest::Missed)
            .map(|(index, span)| (span.from, self.0.get(index + 1).map(|next| next.from)))
    }

    /// What was missed below `end`, the end of the log, is taken over by somebody else: it is missed no more. Answers
    /// which stretches that were.
    pub fn take_missed(&mut self, end: Seq) -> Vec<(Seq, Seq)> {
        let open_end = self.missed_from().filter(|from| *from < end);
        let taken =
            self.missed().map(|(from, until)| (from, until.unwrap_or(end))).filter(|(from, until)| from < until);
        let taken: Vec<_> = taken.collect();
        for span in self.0.iter_mut().filter(|span| span.interest == Interest::Missed && span.from < end) {
            span.interest = Interest::Types(EventTypes::default());
        }
        if open_end.is_some() {
            self.0.push(Span { from: end, interest: Interest::Missed });
        }
        taken
    }

    /// The stretch from `from` to `until` is missed after all; what holds from there on stays. So does what the stream,
    /// whose cursor is `cursor`, is still to get with the log, because it was moved back meanwhile.
    pub fn miss(&mut self, from: Seq, until: Seq, cursor: Seq) {
        if from >= until {
            return;
        }
        for at in [until, cursor.clamp(from, until), from] {
            self.split(at);
        }
        let nothing = Interest::Types(EventTypes::default());
        let stretch = self.0.iter_mut().filter(|span| (from..until).contains(&span.from));
        for span in stretch.filter(|span| span.from < cursor || span.interest == nothing) {
            span.interest = Interest::Missed;
        }
        self.0.dedup_by(|later, earlier| {
            let inside = from < later.from && later.from < until;
            inside && later.interest == Interest::Missed && earlier.interest == Interest::Missed
        });
        let excess = self.0.len().saturating_sub(SPANS_MAX);
        self.0.drain(..excess);
    }

    /// Has a span begin at `at`.
    fn split(&mut self, at: Seq) {
        let index = self.0.partition_point(|span| span.from <= at);
        let covering = index.checked_sub(1).map(|index| &self.0[index]);
        if covering.is_some_and(|span| span.from == at) {
            return;
        }
        let interest = covering.map_or(Interest::Types(EventTypes::default()), |span| span.interest.clone());
        self.0.insert(index, Span { from: at, interest });
    }

    /// The spans, oldest first.
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }
}

/// A span as it is stored: `types` is absent where the stream was disabled.
#[derive(Serialize, Deserialize)]
struct StoredSpan {
    from: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<Vec<String>>,
}

impl Spans {
    /// The form in which a store keeps it.
    pub fn to_json(&self) -> String {
        let stored: Vec<_> = self
            .0
            .iter()
            .map(|span| StoredSpan {
                from: span.from.0,
                types: match &span.interest {
                    Interest::Types(types) => Some(types.iter().map(|each| each.stored().into_owned()).collect()),
                    Interest::Missed => None,
                },
            })
            .collect();
        serde_json::to_string(&stored).expect("spans are plain data")
    }

    /// Reads the stored form; `None` if it is not one.
    pub fn from_json(json: &str) -> Option<Self> {
        let stored: Vec<StoredSpan> = serde_json::from_str(json).ok()?;
        let span = |stored: StoredSpan| {
            let interest = match stored.types {
                None => Interest::Missed,
                Some(names) => Interest::Types(
                    names.iter().map(|name| EventType::from_stored(name)).collect::<Option<EventTypes>>()?,
                ),
            };
            Some(Span { from: Seq(stored.from), interest })
        };
        stored.into_iter().map(span).collect::<Option<Vec<_>>>().map(Self)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::destination::{Authorization, Destination, Endpoint, Webhook};
    use crate::ids::{RegisteredTypeId, StreamId};
    use crate::secret::Secret;
    use crate::stream::{StreamOptions, StreamStatus};

    fn created() -> Interest {
        Interest::Types([EventType::UserCreated].into_iter().collect())
    }

    #[test]
    fn the_rule_in_force_at_the_position_decides() {
        let mut spans = Spans::starting(Seq(5), created());
        spans.begin(Seq(10), Interest::Missed);
        let registered = EventType::Registered(RegisteredTypeId(7));
        spans.begin(Seq(20), Interest::Types([registered, EventType::UserDeleted].into_iter().collect()));
        assert!(spans.matches(Seq(20), registered) && !spans.matches(Seq(9), registered));
        assert!(!spans.matches(Seq(4), EventType::UserCreated));
        assert!(spans.matches(Seq(9), EventType::UserCreated));
        assert!(!spans.matches(Seq(10), EventType::UserCreated));
        assert!(!spans.matches(Seq(20), EventType::UserCreated));
        assert!(spans.matches(Seq(20), EventType::UserDeleted));
        assert_eq!(spans.missed().collect::<Vec<_>>(), [(Seq(10), Some(Seq(20)))]);
        assert_eq!(Spans::from_json(&spans.to_json()), Some(spans));
    }

    #[test]
    fn what_is_wanted_ahead() {
        let mut spans = Spans::starting(Seq(5), created());
        spans.begin(Seq(10), Interest::Missed);
        spans.begin(Seq(20), Interest::Types([EventType::UserDeleted].into_iter().collect()));
        assert_eq!(spans.wanted_from(Seq(1)).iter().count(), 2);
        assert_eq!(spans.wanted_from(Seq(10)).iter().collect::<Vec<_>>(), [EventType::UserDeleted]);
        assert_eq!(spans.next_wanted(Seq(1)), Some(Seq(5)));
        assert_eq!(spans.next_wanted(Seq(7)), Some(Seq(7)));
        assert_eq!(spans.next_wanted(Seq(12)), Some(Seq(20)));
        spans.begin(Seq(30), Interest::Missed);
        assert_eq!(spans.next_wanted(Seq(31)), None);
    }

    #[test]
    fn pruning_keeps_what_was_missed_until_the_log_forgets_it() {
        let mut spans = Spans::starting(Seq(1), created());
        spans.begin(Seq(10), Interest::Missed);
        spans.begin(Seq(20), created());
        spans.prune(Seq(30), Seq(1));
        assert_eq!(spans.missed().count(), 1);
        assert_eq!(spans.as_slice().len(), 2);
        spans.prune(Seq(30), Seq(20));
        assert_eq!(spans.as_slice(), Spans::starting(Seq(20), created()).as_slice());
    }

    #[test]
    fn pruning_does_not_stretch_what_was_missed() {
        let deleted = Interest::Types([EventType::UserDeleted].into_iter().collect());
        let mut spans = Spans::starting(Seq(1), created());
        spans.begin(Seq(10), Interest::Missed);
        spans.begin(Seq(20), created());
        spans.begin(Seq(30), deleted);
        spans.begin(Seq(40), created());
        spans.prune(Seq(50), Seq(1));
        assert_eq!(spans.missed().collect::<Vec<_>>(), [(Seq(10), Some(Seq(20)))]);
        assert_eq!(spans.as_slice().len(), 3);
    }

    #[test]
    fn what_was_missed_is_taken_over_and_given_back() {
        let mut spans = Spans::starting(Seq(1), created());
        spans.begin(Seq(10), Interest::Missed);
        spans.begin(Seq(20), created());
        spans.begin(Seq(30), Interest::Missed);
        assert_eq!(spans.take_missed(Seq(40)), [(Seq(10), Seq(20)), (Seq(30), Seq(40))]);
        assert_eq!(spans.missed().collect::<Vec<_>>(), [(Seq(40), None)]);
        assert_eq!(spans.take_missed(Seq(40)), [], "nothing has been missed since");
        assert!(!spans.matches(Seq(15), EventType::UserCreated) && spans.matches(Seq(25), EventType::UserCreated));
        spans.miss(Seq(15), Seq(20), Seq(50));
        spans.miss(Seq(35), Seq(40), Seq(50));
        let missed: Vec<_> = spans.missed().collect();
        assert_eq!(missed, [(Seq(15), Some(Seq(20))), (Seq(35), Some(Seq(40))), (Seq(40), None)]);
        assert!(spans.matches(Seq(20), EventType::UserCreated) && !spans.matches(Seq(30), EventType::UserCreated));
        let mut pruned = Spans::starting(Seq(100), created());
        pruned.miss(Seq(15), Seq(20), Seq(50));
        assert_eq!(pruned.missed().collect::<Vec<_>>(), [(Seq(15), Some(Seq(20)))]);
        assert!(pruned.matches(Seq(100), EventType::UserCreated) && !pruned.matches(Seq(99), EventType::UserCreated));
    }

    pub(crate) fn stream(status: StreamStatus) -> EventStream {
        let endpoint = Endpoint::parse("https://hooks.example.com/in", false).unwrap();
        let authorization = Authorization::Bearer { token: Secret::new("t") };
        EventStream {
            id: StreamId::from_number(1),
            name: None,
            status,
            subscriptions: vec![EventType::UserCreated],
            destination: Destination::Webhook(Webhook { endpoint, authorization }),
            options: StreamOptions::default(),
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_history_is_written_anew_from_a_position_on() {
        let mut spans = Spans::starting(Seq(5), created());
        spans.begin(Seq(10), Interest::Types(EventTypes::default()));
        spans.begin(Seq(20), Interest::Missed);
        assert_eq!(spans.missed_from(), Some(Seq(20)));
        let mut enabled = spans.clone();
        enabled.place(&stream(StreamStatus::Enabled), Seq(12), Seq(30));
        assert!((12..40).all(|seq| enabled.matches(Seq(seq), EventType::UserCreated)));
        assert!(!enabled.matches(Seq(11), EventType::UserCreated));
        assert_eq!(enabled.missed_from(), None);
        spans.place(&stream(StreamStatus::Disabled), Seq(12), Seq(30));
        assert!((12..30).all(|seq| spans.matches(Seq(seq), EventType::UserCreated)));
        assert!(!spans.matches(Seq(30), EventType::UserCreated));
        assert_eq!(spans.missed_from(), Some(Seq(30)));
    }

    #[test]
    fn what_a_disabled_stream_passes_over_is_not_missed() {
        let mut spans = Spans::starting(Seq(5), Interest::Missed);
        spans.place(&stream(StreamStatus::Disabled), Seq(30), Seq(30));
        assert_eq!(spans.missed_from(), Some(Seq(30)));
        assert_eq!(Spans::placed(&stream(StreamStatus::Disabled), Seq(30), Seq(30)).as_slice().len(), 1);
    }

    #[test]
    fn what_is_wanted_again_after_a_move_is_not_missed() {
        let wanted = Interest::Types([EventType::UserCreated].into_iter().collect());
        let nothing = Interest::Types(EventTypes::default());
        let span = |from, interest: &Interest| Span { from: Seq(from), interest: interest.clone() };
        // A job has taken over what was missed from 10 to 40; moved back to 30, the stream gets it from there.
        let taken = [span(10, &nothing), span(30, &wanted), span(50, &wanted)];
        let mut spans = Spans(taken.to_vec());
        spans.miss(Seq(10), Seq(40), Seq(35));
        assert!(!spans.matches(Seq(34), EventType::UserCreated), "it had come to 35, so that is behind it");
        assert!(spans.matches(Seq(35), EventType::UserCreated) && spans.matches(Seq(40), EventType::UserCreated));
        assert_eq!(spans.missed().collect::<Vec<_>>(), [(Seq(10), Some(Seq(35)))]);
        let mut spans = Spans(taken[..1].to_vec());
        spans.miss(Seq(10), Seq(40), Seq(5));
        assert_eq!(spans.missed().collect::<Vec<_>>(), [(Seq(10), Some(Seq(40)))], "nobody else delivers it");
    }

    #[test]
    fn the_same_interest_again_changes_nothing() {
        let mut spans = Spans::starting(Seq(1), created());
        spans.begin(Seq(9), created());
        assert_eq!(spans.as_slice().len(), 1);
    }
}
