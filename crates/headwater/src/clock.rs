//! The clocks of the machine.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use domain::clock::{Clock, Moment, Timestamp};

/// The machine's own clocks: the wall clock and, for waiting, the one that never jumps.
#[derive(Debug)]
pub(crate) struct SystemClock {
    started: Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Moment {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Moment { wall: Timestamp::from_millis(millis), steady: self.started.elapsed() }
    }
}
