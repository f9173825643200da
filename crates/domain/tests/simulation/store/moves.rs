//! Settings, and where streams begin, resume and are moved to.

use std::collections::BTreeMap;

use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::delivery::{Ordering, Policy, Position};
use domain::destination::{Authorization, Destination, Endpoint, Webhook};
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use domain::place::{Place, Resume};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamOptions, StreamStatus};
use domain::subscription::Spans;

use super::{Asked, Settings, Store, StoredStream, StreamKey, ToldAlerts};

/// A stream as its owner sees it.
fn event_stream(key: StreamKey, subscriptions: Vec<EventType>, ordering: Ordering) -> EventStream {
    let endpoint = Endpoint::parse("https://hooks.example.com/in", false).expect("it is an endpoint");
    let authorization = Authorization::Bearer { token: Secret::new("t") };
    EventStream {
        id: StreamId::from_number(key.into()),
        name: None,
        status: StreamStatus::Enabled,
        subscriptions,
        destination: Destination::Webhook(Webhook { endpoint, authorization }),
        options: StreamOptions { ordering, ..StreamOptions::default() },
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
    }
}

impl StoredStream {
    /// Forgets what its spans need not say any more.
    pub(super) fn prune(&mut self, head: Seq, oldest: Seq) {
        let cursor = self.cursor(head);
        self.settings.spans.prune(cursor, oldest);
    }

    /// It goes on at `to`. What it had taken up below that stays; what it had from there on is forgotten.
    fn cursor_move(&mut self, to: Seq) {
        self.position.open.retain(|seq| *seq < to);
        self.position.frontier = to;
        self.at_head = false;
        self.parked.retain(|seq, _| *seq < to);
        self.settings.seeks += 1;
        self.settings.sought = to;
    }
}

impl Store {
    /// The position that a place is; `None` for one that nobody can go to.
    pub(crate) fn resolve(&self, place: Place) -> Option<Seq> {
        match place {
            Place::Now => Some(self.end()),
            Place::Beginning => Some(self.oldest()),
            Place::Time(time) => {
                let index = self.log.partition_point(|event| event.at < time);
                Some(self.log.get(index).map_or(self.end(), |event| event.seq))
            }
            Place::Position(seq) => (self.oldest()..=self.end()).contains(&seq).then_some(seq),
        }
    }

    pub(crate) fn create(
        &mut self,
        key: StreamKey,
        tenant: TenantId,
        types: Vec<EventType>,
        policy: Policy,
        from: Seq,
    ) {
        let stream = event_stream(key, types, policy.ordering);
        let spans = Spans::placed(&stream, from, self.end());
        let settings =
            Settings { tenant, stream, policy, spans, generation: 0, version: 1, seeks: 0, sought: Seq::ZERO };
        let (parked, failures) = (BTreeMap::new(), BTreeMap::new());
        let (position, asked) = (Position::at(from), Asked::default());
        let alerts = ToldAlerts::default();
        let stored = StoredStream { settings, position, at_head: false, in_row: 0, parked, failures, asked, alerts };
        self.streams.insert(key, stored);
    }

    /// Settings are changed, from the end of the log on.
    pub(crate) fn change(&mut self, key: StreamKey, change: impl FnOnce(&mut Settings)) {
        let (end, head, oldest) = (self.end(), self.head, self.oldest());
        let Some(stored) = self.streams.get_mut(&key) else { return };
        let status = stored.settings.stream.status;
        change(&mut stored.settings);
        let interest = stored.settings.stream.interest();
        stored.settings.spans.begin(end, interest);
        stored.settings.version += 1;
        if stored.settings.stream.status != status {
            stored.settings.generation += 1;
            stored.in_row = 0;
        }
        stored.prune(head, oldest);
    }

    /// Moves a stream: it goes on at the place with what it subscribes to now.
    pub(crate) fn seek(&mut self, key: StreamKey, to: Seq) {
        let (end, head, oldest) = (self.end(), self.head, self.oldest());
        let Some(stored) = self.streams.get_mut(&key) else { return };
        let mut frontier = stored.frontier(head);
        std::mem::swap(&mut stored.position.frontier, &mut frontier);
        let settings = &mut stored.settings;
        settings.spans.place(&settings.stream, to, end);
        settings.version += 1;
        stored.cursor_move(to);
        stored.prune(head, oldest);
    }

    /// A stream is enabled; answers from where on it gets what it has missed.
    pub(crate) fn resume(&mut self, key: StreamKey, resume: Resume) -> Option<Seq> {
        let (end, head, oldest) = (self.end(), self.head, self.oldest());
        let since = match resume {
            Resume::Time(time) => self.resolve(Place::Time(time)),
            Resume::Now | Resume::Position => None,
        };
        let stored = self.streams.get_mut(&key)?;
        let settings = &mut stored.settings;
        let missed = settings.spans.missed_from().unwrap_or(end).max(oldest);
        let from = match resume {
            Resume::Now => end,
            Resume::Position | Resume::Time(_) => missed.max(since.unwrap_or(missed)),
        };
        settings.stream.status = StreamStatus::Enabled;
        settings.spans.begin(from, settings.stream.interest());
        settings.generation += 1;
        settings.version += 1;
        stored.in_row = 0;
        let to = stored.frontier(head).min(from);
        stored.prune(head, oldest);
        stored.cursor_move(to);
        Some(from)
    }
}
