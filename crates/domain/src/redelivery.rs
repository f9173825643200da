//! Redelivery jobs: what somebody asked to deliver again, and how far that has come.

use crate::catalog::{EventType, EventTypes};
use crate::clock::{Entropy, Timestamp};
use crate::ids::{ClientId, JobId, StreamId};

/// Which failed deliveries, or missed events, are meant: those to which all of it applies.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryFilter {
    /// Not older than this, by the event's own `time`.
    pub date_from: Option<Timestamp>,
    /// Older than this.
    pub date_to: Option<Timestamp>,
    /// Of one of these types; all, if it is `None`.
    pub event_types: Option<EventTypes>,
}

impl DeliveryFilter {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it asks for times.
    pub const fn has_dates(&self) -> bool {
        self.date_from.is_some() || self.date_to.is_some()
    }

    /// Whether an event is meant.
    pub fn matches(&self, event_type: EventType, time: Timestamp) -> bool {
        self.event_types.as_ref().is_none_or(|types| types.contains(event_type))
            && self.date_from.is_none_or(|from| time >= from)
            && self.date_to.is_none_or(|to| time < to)
    }
}

/// What a job redelivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobKind {
    /// Failed deliveries.
    Failed,
    /// Events that the stream has missed while it was disabled.
    Missed,
}

/// How a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobStatus {
    /// It goes on.
    Running,
    /// It waits to be resumed.
    Paused,
    /// Somebody has ended it.
    Canceled,
    /// Everything has been redelivered, or has failed again.
    Completed,
}

impl JobStatus {
    /// The word for it in the API and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Completed => "completed",
        }
    }

    /// Reads the word for it.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::Canceled, Self::Completed].into_iter().find(|status| status.name() == name)
    }

    /// Whether nothing more comes of it.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Canceled | Self::Completed)
    }
}

/// Who started a job, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobStart {
    /// The new job's id.
    pub id: JobId,
    /// The application that asked.
    pub started_by: ClientId,
    /// When.
    pub at: Timestamp,
}

/// Who starts the jobs that nobody asked for.
pub const STARTED_BY_SERVER: &str = "headwater";

impl JobStart {
    /// The server itself starts a job.
    pub fn of_server(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let started_by = ClientId::from_text(STARTED_BY_SERVER.to_owned());
        Self { id: JobId::generate(now, entropy), started_by, at: now }
    }
}

/// A redelivery job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedeliveryJob {
    /// Its id, and who started it when.
    pub start: JobStart,
    /// The stream whose deliveries they are.
    pub stream: StreamId,
    /// What it redelivers.
    pub kind: JobKind,
    /// Of those, which.
    pub filter: DeliveryFilter,
    /// So many a second at most.
    pub rate_per_s: Option<u32>,
    /// How it stands.
    pub status: JobStatus,
    /// How many there were when it started; `None` while that is not known.
    pub total: Option<u64>,
    /// How many have been delivered.
    pub redelivered: u64,
    /// How many have failed again.
    pub failed: u64,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl RedeliveryJob {
    /// How many still wait; `None` while that is not known.
    pub fn waiting(&self) -> Option<u64> {
        if self.status.has_ended() {
            return Some(0);
        }
        self.total.map(|total| total.saturating_sub(self.redelivered + self.failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_its_beginning_and_leaves_its_end() {
        let at = Timestamp::from_millis;
        let types = Some([EventType::UserCreated].into_iter().collect());
        let filter = DeliveryFilter { date_from: Some(at(10)), date_to: Some(at(20)), event_types: types };
        let matches = |millis| filter.matches(EventType::UserCreated, at(millis));
        assert_eq!([9, 10, 19, 20].map(matches), [false, true, true, false]);
        assert!(!filter.matches(EventType::UserDeleted, at(15)));
        assert!(DeliveryFilter::default().matches(EventType::UserDeleted, at(0)));
    }
}
