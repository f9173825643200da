//! Jitter: what waits together does not come back together.

use std::time::Duration;

use crate::event::Seq;

/// By how much waits are prolonged. It follows from the event, the attempt and the salt, so that whatever decides with
/// them decides the same again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Jitter {
    /// At most so many hundredths of the wait; none, if it is zero.
    pub percent: u8,
    /// What differs from stream to stream, so that two that get the same event do not keep step.
    pub salt: u64,
}

/// The bits of a share of the whole.
const SHARE_BITS: u32 = 24;

impl Jitter {
    /// The wait after attempt `attempts_made` of the event at `seq`. It is never shorter.
    pub fn prolong(self, wait: Duration, seq: Seq, attempts_made: u32) -> Duration {
        if self.percent == 0 {
            return wait;
        }
        let share = mixed(self.salt ^ mixed(seq.0 ^ (u64::from(attempts_made) << 56))) >> (64 - SHARE_BITS);
        let most = wait.as_nanos() * u128::from(self.percent) / 100;
        let more = (most * u128::from(share)) >> SHARE_BITS;
        wait + Duration::from_nanos(u64::try_from(more).unwrap_or(0))
    }

    /// The longest that `wait` can become.
    pub fn longest(self, wait: Duration) -> Duration {
        wait + wait * u32::from(self.percent) / 100
    }
}

/// The finalizer of splitmix64: each bit of the result depends on each one of `value`.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(4);

    #[test]
    fn waits_are_spread_over_the_whole_range_and_never_shorter() {
        let jitter = Jitter { percent: 50, salt: 7 };
        let waits: Vec<Duration> = (0..1000).map(|seq| jitter.prolong(WAIT, Seq(seq), 1)).collect();
        assert!(waits.iter().all(|wait| (WAIT..jitter.longest(WAIT)).contains(wait)));
        for fifth in 0..5 {
            let from = WAIT + WAIT * fifth / 10;
            let within = waits.iter().filter(|wait| (from..from + WAIT / 10).contains(*wait)).count();
            assert!((150..250).contains(&within), "{within} of a thousand in fifth {fifth}");
        }
    }

    #[test]
    fn the_same_attempt_waits_the_same_and_another_one_does_not() {
        let jitter = Jitter { percent: 20, salt: 7 };
        let wait = jitter.prolong(WAIT, Seq(5), 2);
        assert_eq!(jitter.prolong(WAIT, Seq(5), 2), wait);
        let others = [
            jitter.prolong(WAIT, Seq(5), 3),
            jitter.prolong(WAIT, Seq(6), 2),
            Jitter { salt: 8, ..jitter }.prolong(WAIT, Seq(5), 2),
        ];
        assert!(others.iter().all(|other| *other != wait), "{wait:?} {others:?}");
        assert_eq!(Jitter::default().prolong(WAIT, Seq(5), 2), WAIT);
    }
}
