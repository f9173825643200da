//! How many deliveries have ended, for statistics: kept by the core, saved with its progress.

use std::time::Duration;

/// The upper bounds of the classes that durations are counted in, in milliseconds; what takes longer is in the last.
pub const DURATION_BOUNDS_MS: [u64; 15] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

/// How many classes of durations there are.
pub const DURATION_CLASSES: usize = DURATION_BOUNDS_MS.len() + 1;

/// Deliveries that have ended, one for each event and each time it is delivered (management-api.md 3.11): not attempts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cycles {
    /// The receiver has the event.
    pub delivered: u64,
    /// The delivery has failed.
    pub failed: u64,
    /// How long the attempts took that delivered, by class.
    pub durations: [u64; DURATION_CLASSES],
}

impl Cycles {
    /// Whether nothing has ended.
    pub fn is_empty(&self) -> bool {
        self.delivered == 0 && self.failed == 0
    }

    /// Adds what others have counted.
    pub fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.failed += other.failed;
        for (sum, more) in self.durations.iter_mut().zip(other.durations) {
            *sum += more;
        }
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
}
