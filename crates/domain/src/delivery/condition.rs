//! How a stream is, in a word, and why, in a sentence: what people want to know first.

use std::time::Duration;

use super::health::{DisableReason, Health};
use crate::clock::{Timestamp, spoken};
use crate::stream::StreamStatus;

/// So many failed events in a row are more than bad luck.
pub const FAILING_FROM: u32 = 3;

/// A stream that has delivered nothing for so long, and whose last event has failed, is failing too.
pub const FAILING_AFTER: Duration = Duration::from_mins(15);

/// An event that waits for so long says that its stream cannot keep up.
pub const BEHIND_FROM: Duration = Duration::from_mins(1);

/// A stream that has delivered nothing for so long has nothing to deliver.
pub const IDLE_AFTER: Duration = Duration::from_hours(24);

/// How a stream is. What needs attention first comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Condition {
    /// The server has disabled it because it kept failing.
    DisabledAutomatically,
    /// Its receiver does not take events.
    Failing,
    /// Events wait longer than they should.
    FallingBehind,
    /// It delivers.
    Delivering,
    /// It has nothing to deliver.
    Idle,
    /// Somebody has disabled it.
    Disabled,
}

impl Condition {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::DisabledAutomatically, Self::Failing, Self::FallingBehind, Self::Delivering, Self::Idle, Self::Disabled];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DisabledAutomatically => "Disabled automatically",
            Self::Failing => "Failing",
            Self::FallingBehind => "Falling behind",
            Self::Delivering => "Delivering",
            Self::Idle => "Idle",
            Self::Disabled => "Disabled",
        }
    }

    /// The word for it in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DisabledAutomatically => "disabled_automatically",
            Self::Failing => "failing",
            Self::FallingBehind => "falling_behind",
            Self::Delivering => "delivering",
            Self::Idle => "idle",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the word for it in the API.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| condition.name() == name)
    }

    /// Whether somebody should look.
    pub const fn needs_attention(self) -> bool {
        matches!(self, Self::DisabledAutomatically | Self::Failing | Self::FallingBehind)
    }
}

/// What is known of a stream, as far as it matters for how it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Whether it delivers.
    pub status: StreamStatus,
    /// Why the server has disabled it, if that did.
    pub disabled: Option<DisableReason>,
    /// Its counters.
    pub health: Health,
    /// How long the oldest event waits that it has still to deliver with the log; `None` if none does.
    pub lag: Option<Duration>,
    /// When it last delivered something.
    pub last_delivered_at: Option<Timestamp>,
}

impl Standing {
    /// How the stream is.
    pub fn condition(&self, now: Timestamp) -> Condition {
        let quiet_for = |long| self.last_delivered_at.is_none_or(|at| now.since(at) >= long);
        let Health { in_row, .. } = self.health;
        match self.status {
            StreamStatus::Disabled if self.disabled.is_some() => Condition::DisabledAutomatically,
            StreamStatus::Disabled => Condition::Disabled,
            StreamStatus::Enabled if in_row >= FAILING_FROM => Condition::Failing,
            StreamStatus::Enabled if in_row > 0 && quiet_for(FAILING_AFTER) => Condition::Failing,
            StreamStatus::Enabled if self.lag.is_some_and(|lag| lag >= BEHIND_FROM) => Condition::FallingBehind,
            StreamStatus::Enabled if quiet_for(IDLE_AFTER) && self.lag.is_none() => Condition::Idle,
            StreamStatus::Enabled => Condition::Delivering,
        }
    }

    /// Why it is so, as a sentence.
    pub fn why(&self, now: Timestamp) -> String {
        let Health { in_row, outstanding } = self.health;
        match self.condition(now) {
            Condition::DisabledAutomatically => match self.disabled {
                Some(DisableReason::FailuresOutstanding) => {
                    format!("Disabled by Headwater with too many failed deliveries; {outstanding} are left.")
                }
                // A redelivery has succeeded since.
                _ if in_row == 0 => "Disabled by Headwater after too many failures in a row.".to_owned(),
                _ => format!("Disabled by Headwater after {in_row} failures in a row."),
            },
            Condition::Disabled => "Disabled by hand. What is raised meanwhile stays in the log.".to_owned(),
            Condition::Failing if in_row == 1 => "The last event has failed.".to_owned(),
            Condition::Failing => format!("The last {in_row} events have failed."),
            Condition::FallingBehind => {
                format!("The oldest event has waited for {}.", spoken(self.lag.unwrap_or_default()))
            }
            Condition::Delivering => match self.lag {
                Some(lag) => format!("The oldest event has waited for {}.", spoken(lag)),
                None => "Everything so far has been delivered or has failed.".to_owned(),
            },
            Condition::Idle => match self.last_delivered_at {
                Some(at) => format!("Nothing to deliver for {}.", spoken(now.since(at))),
                None => "Nothing to deliver so far.".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn healthy() -> Standing {
        Standing {
            status: StreamStatus::Enabled,
            disabled: None,
            health: Health::default(),
            lag: None,
            last_delivered_at: Some(NOW.minus(Duration::from_secs(1))),
        }
    }

    fn of(standing: Standing) -> (Condition, String) {
        (standing.condition(NOW), standing.why(NOW))
    }

    #[test]
    fn a_stream_that_delivers_is_well_although_an_event_has_failed() {
        let one = Health { in_row: 1, outstanding: 7 };
        assert_eq!(healthy().condition(NOW), Condition::Delivering);
        assert_eq!(Standing { health: one, ..healthy() }.condition(NOW), Condition::Delivering);
        let lagging = Standing { lag: Some(Duration::from_millis(400)), ..healthy() };
        assert_eq!(of(lagging), (Condition::Delivering, "The oldest event has waited for 0.4 s.".to_owned()));
    }

    #[test]
    fn a_stream_whose_last_events_have_failed_is_failing() {
        let failing = |in_row, quiet_mins| Standing {
            health: Health { in_row, outstanding: in_row },
            last_delivered_at: Some(NOW.minus(Duration::from_mins(quiet_mins))),
            ..healthy()
        };
        assert_eq!(of(failing(3, 0)), (Condition::Failing, "The last 3 events have failed.".to_owned()));
        assert_eq!(failing(2, 14).condition(NOW), Condition::Delivering);
        assert_eq!(of(failing(1, 15)), (Condition::Failing, "The last event has failed.".to_owned()));
        let never = Standing { last_delivered_at: None, ..failing(1, 0) };
        assert_eq!(never.condition(NOW), Condition::Failing, "nothing has ever been delivered");
    }

    #[test]
    fn a_stream_with_events_that_wait_for_long_is_falling_behind() {
        let lag = |secs| Standing { lag: Some(Duration::from_secs(secs)), ..healthy() };
        assert_eq!(lag(59).condition(NOW), Condition::Delivering);
        let (condition, why) = of(lag(252));
        assert_eq!((condition, &*why), (Condition::FallingBehind, "The oldest event has waited for 4 min 12 s."));
    }

    #[test]
    fn a_stream_without_events_is_idle() {
        let quiet = Standing { last_delivered_at: Some(NOW.minus(IDLE_AFTER)), ..healthy() };
        assert_eq!(of(quiet), (Condition::Idle, "Nothing to deliver for 1 d.".to_owned()));
        let new = Standing { last_delivered_at: None, ..healthy() };
        assert_eq!(of(new), (Condition::Idle, "Nothing to deliver so far.".to_owned()));
        let waiting = Standing { lag: Some(Duration::from_secs(1)), ..new };
        assert_eq!(waiting.condition(NOW), Condition::Delivering);
    }

    #[test]
    fn a_disabled_stream_says_who_has_disabled_it() {
        let health = Health { in_row: 500, outstanding: 512 };
        let by_hand = Standing { status: StreamStatus::Disabled, health, ..healthy() };
        assert_eq!(by_hand.condition(NOW), Condition::Disabled);
        let automatically = Standing { disabled: Some(DisableReason::FailuresInRow), ..by_hand };
        let (condition, why) = of(automatically);
        assert_eq!(condition, Condition::DisabledAutomatically);
        assert_eq!(why, "Disabled by Headwater after 500 failures in a row.");
        let outstanding = Standing { disabled: Some(DisableReason::FailuresOutstanding), ..by_hand };
        assert!(outstanding.why(NOW).contains("512 are left"));
    }

    #[test]
    fn what_needs_attention_comes_first_and_each_has_its_names() {
        let urgent: Vec<bool> = Condition::ALL.iter().map(|each| each.needs_attention()).collect();
        assert_eq!(urgent, [true, true, true, false, false, false]);
        assert!(Condition::ALL.is_sorted());
        for condition in Condition::ALL {
            assert_eq!(Condition::from_name(condition.name()), Some(condition));
        }
    }
}
