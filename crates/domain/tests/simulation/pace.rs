//! A stream's rate holds over any stretch of time, whatever the orders were asked for.

use std::collections::VecDeque;
use std::time::Duration;

use domain::rate_limit::RateLimit;

/// So many requests back are looked at.
const LOOKED_AT: usize = 64;
/// What rounding may let through, in requests.
const ROUNDING: f64 = 1e-6;

/// What was sent to a receiver under one rate, since its stream was started.
#[derive(Debug, Default)]
pub(crate) struct Paced {
    rate: Option<RateLimit>,
    sent: VecDeque<Duration>,
}

impl Paced {
    /// `count` requests are sent at `now`.
    pub(crate) fn sent(&mut self, rate: Option<RateLimit>, now: Duration, count: usize) -> Result<(), String> {
        if self.rate != rate {
            *self = Self { rate, sent: VecDeque::new() };
        }
        let Some(rate) = rate else { return Ok(()) };
        self.sent.extend(std::iter::repeat_n(now, count));
        let surplus = self.sent.len().saturating_sub(LOOKED_AT);
        self.sent.drain(..surplus);
        for (index, since) in self.sent.iter().enumerate() {
            let count = f64::from(u32::try_from(self.sent.len() - index).expect("it is small"));
            let allowed = f64::from(rate.burst) + (now - *since).as_secs_f64() * f64::from(rate.per_s);
            if count > allowed + ROUNDING {
                return Err(format!("{count} requests since {since:?}, at {now:?}, are more than {rate:?} allows"));
            }
        }
        Ok(())
    }

    /// Whether a further request at `now` would be too many.
    pub(crate) fn is_exhausted(&mut self, now: Duration) -> bool {
        let mut asked = Self { rate: self.rate, sent: self.sent.clone() };
        asked.sent(self.rate, now, 1).is_err()
    }
}
