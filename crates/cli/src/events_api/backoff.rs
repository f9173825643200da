//! When to connect again.

use std::time::Duration;

/// The time between two attempts to connect, at least.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The wait after the first failure; it doubles with each further one.
const FAILURE_WAIT: Duration = Duration::from_millis(500);
/// The longest wait that comes of failures.
const FAILURE_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long to wait after `failures` connections in a row that brought nothing, where the server would like `asked`.
/// `random` spreads readers who lost their connections together: it tells which part of the upper half is waited.
pub(super) fn wait(failures: u32, asked: Duration, random: u16) -> Duration {
    let doubled = match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(times) => FAILURE_WAIT.saturating_mul(2_u32.saturating_pow(times)).min(FAILURE_WAIT_MAX),
    };
    let jittered = doubled / 2 + (doubled / 2).mul_f64(f64::from(random) / f64::from(u16::MAX));
    jittered.max(asked).max(PAUSE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_are_spread() {
        let longest = |failures| wait(failures, Duration::ZERO, u16::MAX).as_millis();
        let shortest = |failures| wait(failures, Duration::ZERO, 0).as_millis();
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(longest), [1000, 1000, 2000, 4000, 8000, 16_000, 30_000]);
        assert_eq!([4, 7, u32::MAX].map(shortest), [2000, 15_000, 15_000]);
    }

    #[test]
    fn the_servers_wish_is_the_least_and_a_second_between_attempts_too() {
        assert_eq!(wait(0, Duration::ZERO, u16::MAX), Duration::from_secs(1));
        assert_eq!(wait(0, Duration::from_secs(2), 7), Duration::from_secs(2));
        assert_eq!(wait(6, Duration::from_secs(2), u16::MAX), Duration::from_secs(16));
        assert_eq!(wait(6, Duration::from_secs(60), u16::MAX), Duration::from_secs(60));
    }
}
