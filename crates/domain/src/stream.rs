//! An event stream: a subscription to event types and the destination that gets them.

use crate::catalog::{EventType, EventTypes};
use crate::clock::Timestamp;
use crate::delivery::Ordering;
use crate::delivery_settings::DeliverySettings;
use crate::destination::Destination;
use crate::ids::StreamId;
use crate::subscription::Interest;

/// Whether a stream delivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamStatus {
    /// It delivers.
    Enabled,
    /// It does not; what is raised meanwhile is missed, not lost.
    Disabled,
}

impl StreamStatus {
    /// The contract's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the contract's word.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "enabled" => Some(Self::Enabled),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }
}

/// What the contract does not have. Everything in it has a default, with which a stream is the contract's.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StreamOptions {
    /// Which events wait for one another.
    pub ordering: Ordering,
    /// How events are delivered.
    pub delivery: DeliverySettings,
}

/// An event stream as its owner sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventStream {
    /// `est_…`
    pub id: StreamId,
    /// Unique in the tenant; two streams may both lack one.
    pub name: Option<String>,
    /// Whether it delivers.
    pub status: StreamStatus,
    /// The event types, in the order they were given, each once.
    pub subscriptions: Vec<EventType>,
    /// Where deliveries go. Its type never changes.
    pub destination: Destination,
    /// What the contract does not have.
    pub options: StreamOptions,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl EventStream {
    /// The subscribed types as a set.
    pub fn event_types(&self) -> EventTypes {
        self.subscriptions.iter().copied().collect()
    }

    /// What it wants from the log from now on.
    pub fn interest(&self) -> Interest {
        match self.status {
            StreamStatus::Enabled => Interest::Types(self.event_types()),
            StreamStatus::Disabled => Interest::Missed,
        }
    }
}
