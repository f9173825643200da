//! Receivers as they are in the world: healthy, flaky, down, slow, throttling, refusing.

use std::time::Duration;

use domain::delivery::{Failure, FailureKind, Outcome};

use super::random::Random;

/// How a receiver behaves for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receiver {
    Healthy,
    Flaky,
    Down,
    Slow,
    Throttling,
    Refusing,
}

impl Receiver {
    const ALL: &[Self] = &[Self::Healthy, Self::Flaky, Self::Down, Self::Slow, Self::Throttling, Self::Refusing];

    pub(crate) fn any(random: &mut Random) -> Self {
        random.pick(Self::ALL)
    }

    /// What comes of an attempt.
    pub(crate) fn answer(self, random: &mut Random) -> Outcome {
        if matches!(self, Self::Healthy | Self::Flaky) && random.percent(5) {
            return Outcome::FilteredOut;
        }
        let well = match self {
            Self::Healthy => 100,
            Self::Flaky => 50,
            Self::Slow => 40,
            Self::Throttling => 20,
            Self::Down | Self::Refusing => 2,
        };
        if random.percent(well) {
            return Outcome::Delivered { duration: Duration::from_millis(5) };
        }
        failed(match self {
            Self::Slow => FailureKind::Timeout,
            Self::Throttling => {
                let retry_after_s = [None, Some(0), Some(2), Some(60), Some(3600)];
                let retry_after = random.pick(&retry_after_s).map(Duration::from_secs);
                FailureKind::Status { status: random.pick(&[429, 503]), retry_after }
            }
            Self::Refusing if random.percent(20) => FailureKind::Refused,
            Self::Refusing => status(random.pick(&[400, 401, 404, 410])),
            Self::Down => random.pick(&[status(502), FailureKind::Unreachable]),
            Self::Healthy | Self::Flaky => random.pick(&[status(500), status(404), status(301), FailureKind::Timeout]),
        })
    }
}

fn status(status: u16) -> FailureKind {
    FailureKind::Status { status, retry_after: None }
}

fn failed(kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure::new(kind, "", Duration::from_millis(5)))
}
