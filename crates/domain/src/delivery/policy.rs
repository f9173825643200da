//! The rules that a stream is delivered by, with the contract's defaults.

use std::time::Duration;

use super::jitter::Jitter;
use crate::rate_limit::RateLimit;

/// Which events wait for one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ordering {
    /// Events about the same subject, in log order; different subjects in parallel.
    #[default]
    Subject,
    /// None: everything in parallel.
    None,
    /// All: one at a time, in log order.
    Strict,
}

impl Ordering {
    /// The word for it in the API and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::None => "none",
            Self::Strict => "strict",
        }
    }

    /// Reads the word for it.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Subject, Self::None, Self::Strict].into_iter().find(|ordering| ordering.name() == name)
    }
}

/// When to try again after a failure that trying again can help.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// The wait before the second, third … attempt. One attempt more than there are waits is made.
    pub waits: Vec<Duration>,
    /// A destination's `retry-after` is honoured up to this; beyond it, this is waited.
    pub retry_after_max: Duration,
    /// By how much waits are prolonged.
    pub jitter: Jitter,
}

impl Default for Schedule {
    /// The contract: four attempts, after 1, 2 and 4 seconds (management-api.md 5.2).
    fn default() -> Self {
        Self {
            waits: [1, 2, 4].map(Duration::from_secs).to_vec(),
            retry_after_max: Duration::from_secs(10 * 60),
            jitter: Jitter::default(),
        }
    }
}

impl Schedule {
    /// The longest wait that can come of it.
    pub(super) fn wait_max(&self) -> Duration {
        self.jitter.longest(self.waits.iter().copied().fold(self.retry_after_max, Duration::max))
    }
}

/// What bounds a stream's memory and work. None of it grows with the backlog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Requests in flight at once, at most. How many it really is adapts to the receiver.
    pub in_flight_max: usize,
    /// Requests in flight at once to begin with.
    pub in_flight_start: usize,
    /// Events in the window: in flight, waiting for their turn, or waiting to be tried again.
    pub window_events_max: usize,
    /// Bytes of events in the window.
    pub window_bytes_max: usize,
    /// A longer wait than this parks the event instead of keeping it in the window.
    pub wait_in_window_max: Duration,
    /// Parked events. A stream that has so many reads no further until some have ended.
    pub parked_max: usize,
    /// Redeliveries taken up at once.
    pub redeliveries_max: usize,
    /// Deliveries made or given up that are not saved yet. With half as many they should be saved; with so many,
    /// those in flight included, nothing new is sent until they are. A crash repeats no more than these.
    pub unsaved_max: usize,
}

impl Limits {
    /// The limits of the configuration's defaults.
    pub const DEFAULT: Self = Self {
        in_flight_max: 64,
        in_flight_start: 16,
        window_events_max: 1024,
        window_bytes_max: 2 * 1024 * 1024,
        wait_in_window_max: Duration::from_secs(10),
        parked_max: 1000,
        redeliveries_max: 256,
        unsaved_max: 1024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Everything a stream is delivered by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Which events wait for one another.
    pub ordering: Ordering,
    /// When to try again.
    pub schedule: Schedule,
    /// What bounds it.
    pub limits: Limits,
    /// How many requests it is given over time; as many as its receiver takes, if it is not said.
    pub rate: Option<RateLimit>,
    /// So many failed events in a row disable the stream (management-api.md 5.4).
    pub failures_in_row_max: u32,
    /// So many failed deliveries outstanding disable the stream (management-api.md 5.4).
    pub failures_outstanding_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            ordering: Ordering::default(),
            schedule: Schedule::default(),
            limits: Limits::default(),
            rate: None,
            failures_in_row_max: 500,
            failures_outstanding_max: 5000,
        }
    }
}
