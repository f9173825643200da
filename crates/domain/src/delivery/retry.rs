//! When to try again: a pure function of what happened.

use std::time::Duration;

use super::outcome::{Failure, FailureKind};
use super::policy::Policy;
use crate::event::Seq;

/// What follows a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Try again after this, keeping the event in the window.
    After(Duration),
    /// Try again after this, which is longer than the window may wait.
    ParkFor(Duration),
    /// The event has failed.
    GiveUp,
}

/// What follows when attempt number `attempts_made` (the first is 1) of the event at `seq` ended in `failure`.
///
/// A 4xx is final, except 408 and 429, which say "later" rather than "no"; so is a refusal. Everything
/// else is tried again as long as the schedule lasts.
pub fn next_step(policy: &Policy, seq: Seq, attempts_made: u32, failure: &Failure) -> Next {
    let retry_after = match failure.kind {
        FailureKind::Refused => return Next::GiveUp,
        FailureKind::Status { status: 408 | 429 | 503, retry_after } => retry_after,
        FailureKind::Status { status: 400..=499, .. } => return Next::GiveUp,
        FailureKind::Status { .. } | FailureKind::Unreachable | FailureKind::Timeout | FailureKind::Thrown => None,
    };
    let index = usize::try_from(attempts_made.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(scheduled) = policy.schedule.waits.get(index) else {
        return Next::GiveUp;
    };
    let asked = retry_after.unwrap_or_default().min(policy.schedule.retry_after_max);
    let wait = policy.schedule.jitter.prolong(asked.max(*scheduled), seq, attempts_made);
    if wait > policy.limits.wait_in_window_max { Next::ParkFor(wait) } else { Next::After(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Jitter;

    fn step(attempts_made: u32, kind: FailureKind) -> Next {
        next_step(&Policy::default(), Seq(1), attempts_made, &Failure::new(kind, "", Duration::ZERO))
    }

    fn status(status: u16, retry_after_s: Option<u64>) -> FailureKind {
        FailureKind::Status { status, retry_after: retry_after_s.map(Duration::from_secs) }
    }

    #[test]
    fn four_attempts_in_all() {
        let waits: Vec<_> = (1..=4).map(|made| step(made, status(500, None))).collect();
        let after = |seconds| Next::After(Duration::from_secs(seconds));
        assert_eq!(waits, [after(1), after(2), after(4), Next::GiveUp]);
        assert_eq!(step(1, FailureKind::Timeout), after(1));
        assert_eq!(step(2, FailureKind::Unreachable), after(2));
        assert_eq!(step(3, FailureKind::Thrown), after(4));
        assert_eq!(step(1, status(301, None)), after(1));
    }

    #[test]
    fn jitter_prolongs_also_what_the_receiver_asked_for() {
        let mut policy = Policy::default();
        policy.schedule.jitter = Jitter { percent: 10, salt: 1 };
        let failure = Failure::new(status(503, Some(5)), "", Duration::ZERO);
        let Next::After(wait) = next_step(&policy, Seq(3), 1, &failure) else { panic!("it is tried again") };
        assert!((5.0..5.5).contains(&wait.as_secs_f64()) && wait != Duration::from_secs(5), "{wait:?}");
    }

    #[test]
    fn a_refusal_by_the_receiver_is_final() {
        for code in [400, 401, 404, 410, 422] {
            assert_eq!(step(1, status(code, None)), Next::GiveUp);
        }
        assert_eq!(step(1, FailureKind::Refused), Next::GiveUp);
    }

    #[test]
    fn later_is_not_no() {
        assert_eq!(step(1, status(429, None)), Next::After(Duration::from_secs(1)));
        assert_eq!(step(1, status(408, Some(3))), Next::After(Duration::from_secs(3)));
        assert_eq!(step(1, status(429, Some(60))), Next::ParkFor(Duration::from_secs(60)));
        assert_eq!(step(1, status(503, Some(1_000_000))), Next::ParkFor(Duration::from_secs(600)));
    }
}
