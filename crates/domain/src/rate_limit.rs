//! How many requests are taken: a bucket of tokens, told the time.

use std::time::Duration;

/// How many requests are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// So many a second, over time; at least one.
    pub per_s: u32,
    /// So many at once; at least one.
    pub burst: u32,
}

/// A bucket that fills at the rate and holds the burst; each request takes a token.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    tokens: f64,
    at: Duration,
}

/// What a bucket says of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// Whether there was a token for it.
    pub is_taken: bool,
    /// How many are left.
    pub remaining: u32,
    /// How long until there is one more.
    pub next_in: Duration,
}

impl TokenBucket {
    /// A full bucket.
    pub fn full(limit: RateLimit, now: Duration) -> Self {
        Self { tokens: f64::from(limit.burst.max(1)), at: now }
    }

    /// How long after `now` there is a token; zero, if there is one.
    pub fn wait(&mut self, limit: RateLimit, now: Duration) -> Duration {
        let per_s = self.fill(limit, now);
        if self.tokens >= 1.0 {
            return Duration::ZERO;
        }
        // Never rounded to nothing: that would mean that there is one.
        Duration::from_secs_f64((1.0 - self.tokens) / per_s).max(Duration::from_nanos(1))
    }

    /// Fills it up to `now`, and answers the rate.
    fn fill(&mut self, limit: RateLimit, now: Duration) -> f64 {
        let per_s = f64::from(limit.per_s.max(1));
        let filled = self.tokens + now.saturating_sub(self.at).as_secs_f64() * per_s;
        self.tokens = filled.min(f64::from(limit.burst.max(1)));
        self.at = self.at.max(now);
        per_s
    }

    /// A request comes at `now`, on a clock that never goes back.
    pub fn take(&mut self, limit: RateLimit, now: Duration) -> Taken {
        let per_s = self.fill(limit, now);
        let is_taken = self.tokens >= 1.0;
        if is_taken {
            self.tokens -= 1.0;
        }
        // It is at least zero, and at most the burst.
        let remaining = self.tokens as u32;
        let missing = f64::from(remaining) + 1.0 - self.tokens;
        Taken { is_taken, remaining, next_in: Duration::from_secs_f64(missing.max(0.0) / per_s) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_at_once_and_then_the_rate() {
        let limit = RateLimit { per_s: 2, burst: 3 };
        let mut bucket = TokenBucket::full(limit, Duration::ZERO);
        let mut take = |millis| bucket.take(limit, Duration::from_millis(millis));
        assert_eq!([take(0), take(0), take(0)].map(|taken| taken.remaining), [2, 1, 0]);
        let refused = take(0);
        assert_eq!((refused.is_taken, refused.next_in), (false, Duration::from_millis(500)));
        assert!(!take(499).is_taken && take(500).is_taken && !take(501).is_taken);
        let mut asked = bucket;
        assert_eq!(asked.wait(limit, Duration::from_millis(900)), Duration::from_millis(100));
        assert_eq!(asked.wait(limit, Duration::from_millis(1000)), Duration::ZERO);
        let mut take = |millis| bucket.take(limit, Duration::from_millis(millis));
        assert_eq!(take(3_600_000).remaining, 2, "it holds no more than the burst");
    }
}
