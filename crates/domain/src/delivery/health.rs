//! When a stream that keeps failing is disabled (management-api.md 5.4).

use super::policy::Policy;

/// Why the server disabled a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DisableReason {
    /// Too many failed events in a row.
    FailuresInRow,
    /// Too many failed deliveries outstanding.
    FailuresOutstanding,
}

impl DisableReason {
    /// The word a store keeps.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FailuresInRow => "failures_in_row",
            Self::FailuresOutstanding => "failures_outstanding",
        }
    }

    /// Reads the word that a store keeps.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::FailuresInRow, Self::FailuresOutstanding].into_iter().find(|reason| reason.name() == name)
    }
}

/// A stream's counters, in failed *events*: an event that needed four attempts counts once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Failed events since the last success.
    pub in_row: u32,
    /// Failed deliveries that nobody has redelivered yet.
    pub outstanding: u32,
}

impl Health {
    pub(super) fn delivered(&mut self) {
        self.in_row = 0;
    }

    pub(super) fn failed(&mut self) {
        self.in_row = self.in_row.saturating_add(1);
    }

    pub(super) fn verdict(&self, policy: &Policy) -> Option<DisableReason> {
        if self.in_row >= policy.failures_in_row_max {
            Some(DisableReason::FailuresInRow)
        } else if self.outstanding >= policy.failures_outstanding_max {
            Some(DisableReason::FailuresOutstanding)
        } else {
            None
        }
    }
}
