//! The clock that all processes of a run share: nanoseconds of the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time that can be compared across the processes of one machine.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The seconds between two times; none is negative.
pub(crate) fn seconds_between(from_ns: u64, to_ns: u64) -> f64 {
    Duration::from_nanos(to_ns.saturating_sub(from_ns)).as_secs_f64()
}
