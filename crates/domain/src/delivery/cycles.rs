//! How many deliveries have ended, for statistics: kept by the core, saved with its progress.

use std::time::Duration;

use super::outcome::{FAILURE_CLASSES, FailureKind};

/// The upper bounds of the classes that durations are counted in, in milliseconds; what takes longer is in the last.
pub const DURATION_BOUNDS_MS: [u64; 15] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/// How many classes of durations there are.
pub const DURATION_CLASSES: usize = DURATION_BOUNDS_MS.len() + 1;

/// Deliveries that have ended, one for each event and each time it is delivered (management-api.md 3.11), and the
/// attempts that have failed on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cycles {
    /// The receiver has the event.
    pub delivered: u64,
    /// The delivery has failed.
    pub failed: u64,
    /// How long the attempts took that delivered, by class.
    pub durations: [u64; DURATION_CLASSES],
    /// Attempts that have failed, by [`FailureClass`](super::FailureClass), also where a later one has delivered.
    pub attempts_failed: [u64; FAILURE_CLASSES],
}

impl Cycles {
    /// Whether nothing has ended.
    pub fn is_empty(&self) -> bool {
        self.delivered == 0 && self.failed == 0 && self.attempts_failed.iter().all(|count| *count == 0)
    }

    /// Adds what others have counted.
    pub fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.failed += other.failed;
        for (sum, more) in self.durations.iter_mut().zip(other.durations) {
            *sum += more;
        }
        for (sum, more) in self.attempts_failed.iter_mut().zip(other.attempts_failed) {
            *sum += more;
        }
    }

    /// Counts an attempt that has failed.
    pub fn count_attempt_failed(&mut self, kind: FailureKind) {
        self.attempts_failed[kind.class() as usize] += 1;
    }

    /// How long the fastest `percent` of a hundred attempts took that delivered, in milliseconds: about, because only
    /// their classes are known, so within a class they count as evenly spread. `None` if there were none. What took
    /// longer than the last bound counts as that bound.
    pub fn percentile_ms(&self, percent: u8) -> Option<f64> {
        let total: u64 = self.durations.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = total as f64 * f64::from(percent.min(100)) / 100.0;
        let mut below = 0.0;
        for (class, count) in self.durations.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = *count as f64;
            if below + count >= rank {
                let lower = class.checked_sub(1).map_or(0, |before| DURATION_BOUNDS_MS[before]) as f64;
                let upper = DURATION_BOUNDS_MS.get(class).map_or(lower, |bound| *bound as f64);
                return Some(lower + (upper - lower) * ((rank - below) / count).clamp(0.0, 1.0));
            }
            below += count;
        }
        DURATION_BOUNDS_MS.last().map(|bound| *bound as f64)
    }

    /// Counts a delivery that an attempt of this duration has made.
    pub fn count_delivered(&mut self, duration: Duration) {
        self.delivered += 1;
        let millis = u64::try_from(duration.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        self.durations[DURATION_BOUNDS_MS.partition_point(|bound| *bound < millis)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_in_their_class() {
        let mut cycles = Cycles::default();
        for micros in [0, 1000, 1001, 60_000_000, 60_000_001] {
            cycles.count_delivered(Duration::from_micros(micros));
        }
        assert_eq!((cycles.delivered, cycles.failed), (5, 0));
        assert_eq!((cycles.durations[0], cycles.durations[1]), (2, 1));
        assert_eq!(cycles.durations[DURATION_CLASSES - 2..], [1, 1]);
        let mut sum = cycles;
        sum.add(&cycles);
        assert_eq!(sum.durations.iter().sum::<u64>(), 10);
    }

    #[test]
    fn failed_attempts_are_counted_in_their_class() {
        let mut cycles = Cycles::default();
        let status = |status| FailureKind::Status { status, retry_after: None };
        for kind in [FailureKind::Timeout, FailureKind::Unreachable, status(404), status(503), status(599), status(302)]
        {
            cycles.count_attempt_failed(kind);
        }
        assert_eq!(cycles.attempts_failed, [1, 1, 1, 2, 1]);
        assert!(!cycles.is_empty());
        let same = cycles;
        cycles.add(&same);
        assert_eq!(cycles.attempts_failed, [2, 2, 2, 4, 2]);
    }

    #[test]
    fn percentiles_lie_in_their_class() {
        let mut cycles = Cycles::default();
        assert_eq!(cycles.percentile_ms(50), None);
        (0..90).for_each(|_| cycles.count_delivered(Duration::from_millis(30)));
        (0..9).for_each(|_| cycles.count_delivered(Duration::from_millis(150)));
        cycles.count_delivered(Duration::from_secs(90));
        let at = |percent| cycles.percentile_ms(percent).unwrap();
        assert!((20.0..=50.0).contains(&at(50)) && at(50) < at(90), "{} {}", at(50), at(90));
        assert!((100.0..=200.0).contains(&at(95)));
        assert!((100.0..=200.0).contains(&at(99)));
        assert!((at(100) - 60_000.0).abs() < f64::EPSILON, "no longer than the last bound");
    }
}
