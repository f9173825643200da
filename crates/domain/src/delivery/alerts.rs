//! What is told of a stream that keeps failing: on the way to being disabled, when it is, and when it is well again.

use super::health::{DisableReason, Health};
use super::outcome::Attempt;
use super::policy::Policy;
use crate::clock::Timestamp;

/// How much lower the counters have to be, in percent of their limits, before the same is told once more: one that
/// goes to and fro about a threshold is not news each time.
const CALMER_BY: u64 = 10;

/// What has been told of a stream, and holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum AlertState {
    /// Nothing: it is well.
    #[default]
    Calm,
    /// Something, and nobody knows yet that it is well again: the next success may tell.
    Watched,
    /// It was half of the way to being disabled.
    Half,
    /// It was 70 percent of the way.
    Most,
    /// It was 90 percent of the way.
    Nearly,
}

impl AlertState {
    const ALL: [Self; 5] = [Self::Calm, Self::Watched, Self::Half, Self::Most, Self::Nearly];

    /// From which part of the way on it holds, in percent.
    pub const fn threshold(self) -> u8 {
        match self {
            Self::Calm | Self::Watched => 0,
            Self::Half => 50,
            Self::Most => 70,
            Self::Nearly => 90,
        }
    }

    /// The number that a store keeps.
    pub const fn number(self) -> u8 {
        match self {
            Self::Calm => 0,
            Self::Watched => 1,
            threshold => threshold.threshold(),
        }
    }

    /// Reads the number that a store keeps.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The highest threshold that is not above so many percent of the way.
    fn at(percent: u64) -> Self {
        let reached = Self::ALL.into_iter().rev().find(|state| percent >= u64::from(state.threshold()));
        reached.filter(|state| *state > Self::Watched).unwrap_or(Self::Watched)
    }
}

/// What is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlertKind {
    /// So many percent of the way to being disabled have been gone.
    Failing {
        /// 50, 70 or 90.
        threshold: u8,
    },
    /// The server has disabled it.
    Disabled,
    /// Events arrive again.
    Recovered,
}

/// Something to be told of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    /// What.
    pub kind: AlertKind,
    /// Which of the counters it is about; `None` when it is well again.
    pub reason: Option<DisableReason>,
    /// The counters.
    pub health: Health,
    /// The limit of failures in a row.
    pub failures_in_row_max: u32,
    /// The limit of failed deliveries outstanding.
    pub failures_outstanding_max: u32,
    /// The last attempt that failed, as far as the process knows of one.
    pub last_failure: Option<LastFailure>,
}

/// The last attempt that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastFailure {
    /// When.
    pub at: Timestamp,
    /// For people: what happened, without secrets.
    pub message: Option<String>,
    /// The HTTP status of the answer, where there was one.
    pub http_status: Option<u16>,
}

/// What is to be saved of it: how it stands, and what is to be told in the same transaction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Alerts {
    /// What has been told, with these.
    pub state: AlertState,
    /// What to tell, in order.
    pub raised: Vec<Alert>,
}

/// Watches a stream's counters.
#[derive(Debug, Default)]
pub(super) struct Watch {
    alerts: Alerts,
    last_failure: Option<LastFailure>,
    /// How it stood before the stream was disabled, as long as that has not been handed out.
    before_disabled: Option<AlertState>,
}

impl Watch {
    pub(super) fn restore(state: AlertState) -> Self {
        Self { alerts: Alerts { state, raised: Vec::new() }, ..Self::default() }
    }

    /// An attempt has failed.
    pub(super) fn attempt_failed(&mut self, attempt: &Attempt) {
        self.last_failure = Some(LastFailure {
            at: attempt.timestamp,
            message: attempt.error.clone(),
            http_status: attempt.http_status,
        });
    }

    /// A delivery has failed: the counters are higher.
    pub(super) fn failed(&mut self, health: Health, policy: &Policy) {
        let (reason, percent) = way_gone(health, policy);
        let reached = AlertState::at(percent);
        if reached > self.alerts.state.max(AlertState::Watched) {
            self.alerts.state = reached;
            self.raise(AlertKind::Failing { threshold: reached.threshold() }, Some(reason), health, policy);
        }
    }

    /// The counters are lower, but no receiver has said that it is well.
    pub(super) fn eased(&mut self, health: Health, policy: &Policy) {
        let (_, percent) = way_gone(health, policy);
        self.alerts.state = self.alerts.state.min(AlertState::at(percent + CALMER_BY));
    }

    /// A delivery has been made.
    pub(super) fn delivered(&mut self, health: Health, policy: &Policy) {
        if self.alerts.state == AlertState::Calm {
            return;
        }
        self.eased(health, policy);
        // One that was disabled, too, is not well as long as its counters say otherwise.
        if AlertState::at(way_gone(health, policy).1 + CALMER_BY) == AlertState::Watched {
            self.alerts.state = AlertState::Calm;
            self.raise(AlertKind::Recovered, None, health, policy);
        }
    }

    /// The stream is being disabled. Whatever is on the way to that need not be told any more.
    pub(super) fn disabled(&mut self, reason: DisableReason, health: Health, policy: &Policy) {
        self.before_disabled = Some(self.alerts.state);
        self.alerts.state = AlertState::Nearly;
        self.raise(AlertKind::Disabled, Some(reason), health, policy);
    }

    /// The stream was enabled. What its counters still say is no news.
    pub(super) fn enabled(&mut self, health: Health, policy: &Policy) {
        if let Some(before) = self.before_disabled.take() {
            // Somebody was faster than the decision to disable it: nobody hears of that.
            self.alerts.raised.retain(|alert| alert.kind != AlertKind::Disabled);
            self.alerts.state = before;
        }
        self.alerts.state = self.alerts.state.min(AlertState::at(way_gone(health, policy).1));
    }

    /// What to save now; it is told once.
    pub(super) fn take(&mut self) -> Alerts {
        self.before_disabled = None;
        Alerts { state: self.alerts.state, raised: std::mem::take(&mut self.alerts.raised) }
    }

    fn raise(&mut self, kind: AlertKind, reason: Option<DisableReason>, health: Health, policy: &Policy) {
        self.alerts.raised.push(Alert {
            kind,
            reason,
            health,
            failures_in_row_max: policy.failures_in_row_max,
            failures_outstanding_max: policy.failures_outstanding_max,
            last_failure: self.last_failure.clone(),
        });
    }
}

/// How much of the way to being disabled has been gone, in percent, and by which counter.
fn way_gone(health: Health, policy: &Policy) -> (DisableReason, u64) {
    let percent = |count: u32, max: u32| u64::from(count) * 100 / u64::from(max.max(1));
    let in_row = percent(health.in_row, policy.failures_in_row_max);
    let outstanding = percent(health.outstanding, policy.failures_outstanding_max);
    if in_row >= outstanding {
        (DisableReason::FailuresInRow, in_row)
    } else {
        (DisableReason::FailuresOutstanding, outstanding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy { failures_in_row_max: 20, failures_outstanding_max: 100, ..Policy::default() }
    }

    fn health(in_row: u32, outstanding: u32) -> Health {
        Health { in_row, outstanding }
    }

    fn kinds(watch: &mut Watch) -> Vec<AlertKind> {
        watch.take().raised.iter().map(|alert| alert.kind).collect()
    }

    const FAILING: fn(u8) -> AlertKind = |threshold| AlertKind::Failing { threshold };

    #[test]
    fn each_threshold_is_told_once_and_the_end_too() {
        let (mut watch, policy) = (Watch::default(), policy());
        for in_row in 1..20 {
            watch.failed(health(in_row, in_row), &policy);
        }
        assert_eq!(kinds(&mut watch), [50, 70, 90].map(FAILING));
        watch.delivered(health(0, 19), &policy);
        assert_eq!(kinds(&mut watch), [AlertKind::Recovered]);
        watch.delivered(health(0, 19), &policy);
        for in_row in 1..=10 {
            watch.failed(health(in_row, 19 + in_row), &policy);
        }
        assert_eq!(kinds(&mut watch), [FAILING(50)], "and once more");
    }

    #[test]
    fn to_and_fro_about_a_threshold_is_no_news() {
        let (mut watch, policy) = (Watch::default(), policy());
        watch.failed(health(1, 71), &policy);
        assert_eq!(kinds(&mut watch), [FAILING(70)], "the highest of what was passed at once");
        for outstanding in [69, 61, 70] {
            watch.delivered(health(0, outstanding), &policy);
            watch.failed(health(1, outstanding + 1), &policy);
        }
        assert_eq!(kinds(&mut watch), []);
        watch.delivered(health(0, 59), &policy);
        watch.failed(health(1, 70), &policy);
        assert_eq!(kinds(&mut watch), [FAILING(70)]);
        watch.eased(health(0, 39), &policy);
        assert_eq!(kinds(&mut watch), [], "nobody knows yet whether it is well");
        watch.delivered(health(0, 39), &policy);
        assert_eq!(kinds(&mut watch), [AlertKind::Recovered]);
    }

    #[test]
    fn a_disabled_stream_is_well_again_with_the_first_success_after_it_was_enabled() {
        let (mut watch, policy) = (Watch::default(), policy());
        watch.failed(health(19, 60), &policy);
        watch.disabled(DisableReason::FailuresInRow, health(20, 61), &policy);
        assert_eq!(kinds(&mut watch), [FAILING(90), AlertKind::Disabled]);
        let mut watch = Watch::restore(watch.take().state);
        watch.delivered(health(0, 61), &policy);
        assert_eq!(kinds(&mut watch), [], "too many deliveries are outstanding");
        watch.enabled(health(0, 61), &policy);
        watch.failed(health(1, 62), &policy);
        assert_eq!(kinds(&mut watch), [], "what its counters said before is no news");
        watch.failed(health(14, 62), &policy);
        assert_eq!(kinds(&mut watch), [FAILING(70)]);
        watch.delivered(health(0, 45), &policy);
        assert_eq!(kinds(&mut watch), []);
        watch.delivered(health(0, 39), &policy);
        assert_eq!(kinds(&mut watch), [AlertKind::Recovered]);
    }

    #[test]
    fn what_has_been_told_is_stored() {
        for state in AlertState::ALL {
            assert_eq!(AlertState::from_number(state.number()), Some(state));
        }
        assert_eq!(AlertState::from_number(2), None);
    }
}
