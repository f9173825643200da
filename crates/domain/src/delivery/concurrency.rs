//! How many requests a receiver is given at once: more while it answers as fast as it did, fewer when it
//! says, or shows, that it has too many.

use std::time::Duration;

use super::policy::Limits;

/// A receiver whose answers take longer than this many times its best is given no more at once.
const SLOWER_MAX: f64 = 2.0;
/// Differences in latency below this are noise, in seconds.
const NOISE_S: f64 = 0.002;
/// What part of each answer's latency enters the average.
const AVERAGE_WEIGHT: f64 = 1.0 / 16.0;
/// How fast the best latency is forgotten, with each answer, so that a receiver may become slower for good.
const BEST_FORGOTTEN: f64 = 1.0 / 1024.0;
/// After it was made smaller, answers to what was sent before say nothing new for at least this long.
const SHRINK_PAUSE_MIN: Duration = Duration::from_millis(100);

/// The number of requests that a receiver gets at once, between 1 and [`Limits::in_flight_max`].
///
/// It doubles with every round of answers until the receiver shows a limit, grows by one a round after
/// that, and is halved on a time-out, a 429 or a 503.
#[derive(Debug, Clone)]
pub(super) struct Concurrency {
    limit: f64,
    /// Below this it doubles, above it grows by one.
    doubling_until: f64,
    average_s: Option<f64>,
    best_s: f64,
    shrunk_until: Duration,
}

impl Concurrency {
    pub(super) fn new(limits: &Limits) -> Self {
        let most = as_number(limits.in_flight_max);
        Self {
            limit: as_number(limits.in_flight_start).clamp(1.0, most.max(1.0)),
            doubling_until: most,
            average_s: None,
            best_s: f64::INFINITY,
            shrunk_until: Duration::ZERO,
        }
    }

    /// How many requests may be in flight now.
    pub(super) fn limit(&self, limits: &Limits) -> usize {
        // Truncated: a part of a request cannot be sent. It is within 1 and the configured maximum.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a usize")]
        let whole = self.limit as usize;
        whole.clamp(1, limits.in_flight_max.max(1))
    }

    /// The receiver has answered, whatever it said. `in_flight` counts the request that was answered.
    pub(super) fn answered(&mut self, limits: &Limits, latency: Duration, in_flight: usize) {
        let latency_s = latency.as_secs_f64();
        let average_s = self.average_s.map_or(latency_s, |average| average + (latency_s - average) * AVERAGE_WEIGHT);
        self.average_s = Some(average_s);
        self.best_s = average_s.min(self.best_s * (1.0 + BEST_FORGOTTEN));
        if in_flight < self.limit(limits) {
            // It was not the limit that held anything back, so nothing is learnt about it.
            return;
        }
        if average_s > self.best_s * SLOWER_MAX + NOISE_S {
            self.doubling_until = self.doubling_until.min(self.limit);
            return;
        }
        let step = if self.limit < self.doubling_until { 1.0 } else { 1.0 / self.limit };
        self.limit = (self.limit + step).min(as_number(limits.in_flight_max).max(1.0));
    }

    /// The receiver has too much: it said so, or did not answer in time.
    pub(super) fn overloaded(&mut self, now: Duration) {
        if now < self.shrunk_until {
            return;
        }
        self.limit = (self.limit / 2.0).max(1.0);
        self.doubling_until = self.limit;
        let round = Duration::from_secs_f64(self.average_s.unwrap_or_default());
        self.shrunk_until = now + round.max(SHRINK_PAUSE_MIN);
    }
}

fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { in_flight_max: 64, in_flight_start: 8, ..Limits::DEFAULT };

    /// One round: as many answers as may be in flight.
    fn round(concurrency: &mut Concurrency, latency_ms: u64) {
        let in_flight = concurrency.limit(&LIMITS);
        for _ in 0..in_flight {
            concurrency.answered(&LIMITS, Duration::from_millis(latency_ms), concurrency.limit(&LIMITS));
        }
    }

    #[test]
    fn it_doubles_while_the_latency_is_flat_and_stops_at_the_maximum() {
        let mut concurrency = Concurrency::new(&LIMITS);
        assert_eq!(concurrency.limit(&LIMITS), 8);
        round(&mut concurrency, 200);
        assert_eq!(concurrency.limit(&LIMITS), 16);
        for _ in 0..4 {
            round(&mut concurrency, 200);
        }
        assert_eq!(concurrency.limit(&LIMITS), 64);
    }

    #[test]
    fn it_does_not_grow_while_answers_become_slower() {
        let mut concurrency = Concurrency::new(&LIMITS);
        round(&mut concurrency, 10);
        let before = concurrency.limit(&LIMITS);
        for _ in 0..20 {
            round(&mut concurrency, 100);
        }
        assert!(concurrency.limit(&LIMITS) <= before * 2, "{}", concurrency.limit(&LIMITS));
    }

    #[test]
    fn it_is_halved_once_a_round_down_to_one_and_comes_back() {
        let mut concurrency = Concurrency::new(&LIMITS);
        let mut now = Duration::from_secs(1);
        concurrency.overloaded(now);
        concurrency.overloaded(now);
        assert_eq!(concurrency.limit(&LIMITS), 4);
        for _ in 0..10 {
            now += Duration::from_secs(1);
            concurrency.overloaded(now);
        }
        assert_eq!(concurrency.limit(&LIMITS), 1);
        for _ in 0..200 {
            round(&mut concurrency, 5);
        }
        assert_eq!(concurrency.limit(&LIMITS), 64);
    }

    #[test]
    fn a_stream_that_does_not_use_its_limit_does_not_grow() {
        let mut concurrency = Concurrency::new(&LIMITS);
        for _ in 0..1000 {
            concurrency.answered(&LIMITS, Duration::from_millis(1), 2);
        }
        assert_eq!(concurrency.limit(&LIMITS), 8);
    }
}
