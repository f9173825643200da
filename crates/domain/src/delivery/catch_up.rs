//! How fast streams far behind the head may catch up while others are served at it: live events first.
//!
//! All that goes on shares the processor, so what holds up live events shows in how long a task that could run has to wait
//! for its turn. While the head is busy, that wait decides: the streams behind are given more and more as long as it is short,
//! and half as soon as it is not. When nothing is delivered at the head, nobody has to be spared.

use std::time::Duration;

use crate::clock::Moment;

/// After events were handed out at the head, it counts as busy for so long.
const BUSY_FOR: Duration = Duration::from_millis(500);
/// A task that waits longer than this for its turn is held up.
const WAIT_MAX: Duration = Duration::from_micros(200);
/// Events a second that all streams behind get together, at the least and at the most, while the head is busy.
const RATE_MIN: f64 = 1_000.0;
const RATE_MAX: f64 = 50_000.0;
/// By how much the rate grows with each short wait.
const GROWTH: f64 = 1.005;
/// What is given at once is what comes due in this time: small pieces hold up nobody.
const PIECE: Duration = Duration::from_millis(2);

/// What a stream far behind may read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allowance {
    /// As much as it likes.
    All,
    /// So many events at most.
    Events(usize),
    /// Nothing for so long; then it asks again.
    After(Duration),
}

/// Shares what the head leaves among the streams that catch up.
#[derive(Clone, Debug)]
pub struct CatchUp {
    busy_until: Duration,
    rate_per_s: f64,
    allowed: f64,
    counted_at: Duration,
}

impl Default for CatchUp {
    fn default() -> Self {
        Self { busy_until: Duration::ZERO, rate_per_s: RATE_MIN, allowed: 0.0, counted_at: Duration::ZERO }
    }
}

impl CatchUp {
    /// Streams at the head were given events.
    pub fn head_served(&mut self, now: Moment) {
        self.busy_until = now.steady + BUSY_FOR;
    }

    /// Whether streams that catch up have to spare others now.
    pub fn spares_others(&self, now: Moment) -> bool {
        now.steady < self.busy_until
    }

    /// A task that could run waited for so long.
    pub fn waited(&mut self, wait: Duration) {
        let next = if wait > WAIT_MAX { self.rate_per_s / 2.0 } else { self.rate_per_s * GROWTH };
        self.rate_per_s = next.clamp(RATE_MIN, RATE_MAX);
    }

    /// What a stream that is far behind may read now. It is counted as read.
    pub fn take(&mut self, now: Moment) -> Allowance {
        if !self.spares_others(now) {
            return Allowance::All;
        }
        let piece = (self.rate_per_s * PIECE.as_secs_f64()).max(1.0);
        let since = now.steady.saturating_sub(self.counted_at).as_secs_f64();
        self.counted_at = now.steady;
        self.allowed = (self.allowed + since * self.rate_per_s).min(piece);
        if self.allowed < piece {
            return Allowance::After(Duration::from_secs_f64((piece - self.allowed) / self.rate_per_s));
        }
        self.allowed = 0.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a few hundred")]
        let events = piece as usize;
        Allowance::Events(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn at(millis: u64) -> Moment {
        Moment { wall: Timestamp::from_millis(0), steady: Duration::from_millis(millis) }
    }

    /// How many events streams behind get in a second, while the head is busy and tasks wait so long for their turn.
    fn got_in_a_second(catch_up: &mut CatchUp, from_ms: u64, wait: Duration) -> usize {
        let mut got = 0;
        for millis in from_ms..from_ms + 1000 {
            catch_up.head_served(at(millis));
            if millis % 2 == 0 {
                catch_up.waited(wait);
            }
            while let Allowance::Events(events) = catch_up.take(at(millis)) {
                got += events;
            }
        }
        got
    }

    #[test]
    fn nobody_is_spared_when_nothing_happens_at_the_head() {
        let mut catch_up = CatchUp::default();
        assert_eq!(catch_up.take(at(1000)), Allowance::All);
        catch_up.head_served(at(1000));
        assert_ne!(catch_up.take(at(1001)), Allowance::All);
        assert_eq!(catch_up.take(at(1501)), Allowance::All);
    }

    #[test]
    fn while_live_events_are_held_up_little_is_given_but_never_nothing() {
        let mut catch_up = CatchUp::default();
        for second in 0..3 {
            let got = got_in_a_second(&mut catch_up, second * 1000, Duration::from_millis(2));
            assert!((900..=1100).contains(&got), "{got}");
        }
    }

    #[test]
    fn what_is_not_needed_is_given_and_taken_back_at_once() {
        let mut catch_up = CatchUp::default();
        let got: Vec<_> =
            (0..4).map(|second| got_in_a_second(&mut catch_up, second * 1000, Duration::from_micros(50))).collect();
        assert!(got.is_sorted() && got[3] > 40_000, "{got:?}");
        catch_up.waited(Duration::from_millis(1));
        catch_up.waited(Duration::from_millis(1));
        let mut after = catch_up.clone();
        let got = got_in_a_second(&mut after, 4000, WAIT_MAX);
        assert!(got < 45_000, "{got}");
    }

    #[test]
    fn pieces_are_small() {
        let mut catch_up = CatchUp { rate_per_s: RATE_MAX, ..CatchUp::default() };
        catch_up.head_served(at(10));
        assert!(matches!(catch_up.take(at(10)), Allowance::Events(events) if events <= 100));
        assert!(matches!(catch_up.take(at(10)), Allowance::After(wait) if wait <= PIECE));
    }
}
