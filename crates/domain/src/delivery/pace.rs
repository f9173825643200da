//! A stream's rate: how many requests a second it is given, whatever its receiver could take.

use std::time::Duration;

use crate::rate_limit::{RateLimit, TokenBucket};

/// The least wait that is asked for: a bucket may be a rounding short of its token.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// The bucket of a stream. A stream without a rate has none; a new one is full, and so is that of a stream that has
/// just been started.
#[derive(Debug, Default)]
pub(super) struct Pace {
    bucket: Option<TokenBucket>,
    /// When there is a token again, where one was missing.
    held_until: Option<Duration>,
}

impl Pace {
    /// It is asked anew: what it held back before is forgotten.
    pub(super) fn begin(&mut self) {
        self.held_until = None;
    }

    /// Whether a request may be sent at `now`; if so, what is sent is to be told by [`Pace::sent`].
    pub(super) fn allows(&mut self, rate: Option<RateLimit>, now: Duration) -> bool {
        let Some(rate) = rate else {
            self.bucket = None;
            return true;
        };
        let wait = self.bucket.get_or_insert_with(|| TokenBucket::full(rate, now)).wait(rate, now);
        if wait == Duration::ZERO {
            return true;
        }
        self.held_until = Some(now + wait.max(WAIT_MIN));
        false
    }

    /// A request was sent.
    pub(super) fn sent(&mut self, rate: Option<RateLimit>, now: Duration) {
        if let (Some(rate), Some(bucket)) = (rate, &mut self.bucket) {
            bucket.take(rate, now);
        }
    }

    /// When it allows more, where it has held something back.
    pub(super) const fn held_until(&self) -> Option<Duration> {
        self.held_until
    }
}
