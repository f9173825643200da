//! Time as a parameter: an instant of the wall clock, and the pair of clocks that a decision needs.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant of the wall clock, in milliseconds since 1970-01-01T00:00:00Z.
///
/// Written as the contract writes it: RFC 3339, UTC, with milliseconds (`2026-01-16T08:50:33.955Z`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("expected an RFC 3339 time such as 2026-01-16T08:50:33Z")]
pub struct NotATime;

impl Timestamp {
    /// The instant `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads an RFC 3339 time with any offset.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| NotATime)?;
        Ok(Self(parsed.as_millisecond()))
    }

    /// The instant `span` later; stays at the end of time rather than wrapping.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The instant `span` earlier; stays at the beginning of time rather than wrapping.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A stretch of time in words, as exact as people need it: `84 ms`, `2.4 s`, `4 min 12 s`, `3 h 20 min`, `2 d 5 h`.
pub fn spoken(span: Duration) -> String {
    let two = |first: u64, one: &str, second: u64, other: &str| match second {
        0 => format!("{first} {one}"),
        _ => format!("{first} {one} {second} {other}"),
    };
    let seconds = span.as_secs();
    match span.as_millis() {
        0..100 => format!("{} ms", span.as_millis()),
        100..10_000 => format!("{:.1} s", span.as_secs_f64()),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600_000..86_400_000 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        write!(f, "{instant:.3}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// One moment on both clocks: the wall clock for what people and stores see, the steady one for waiting,
/// because the wall clock may jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Moment {
    /// The wall clock.
    pub wall: Timestamp,
    /// Time since some fixed start; never goes back.
    pub steady: Duration,
}

/// Where the time comes from. Only the binary and the tests implement it.
pub trait Clock: Send + Sync {
    /// Both clocks, now.
    fn now(&self) -> Moment;
}

/// Where random bytes come from. Only the binary and the tests implement it.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_time_are_spoken() {
        let spoken = |millis| spoken(Duration::from_millis(millis));
        assert_eq!([0, 99, 400, 9_949].map(spoken), ["0 ms", "99 ms", "0.4 s", "9.9 s"]);
        assert_eq!([16_700, 252_000, 60_000, 12_000_000].map(spoken), ["16 s", "4 min 12 s", "1 min", "3 h 20 min"]);
        assert_eq!(spoken(190_800_000), "2 d 5 h");
    }

    #[test]
    fn writes_and_reads_the_contracts_form() {
        let instant = Timestamp::from_millis(1_768_553_433_955);
        assert_eq!(instant.to_string(), "2026-01-16T08:50:33.955Z");
        assert_eq!(Timestamp::parse("2026-01-16T09:50:33.955+01:00").ok(), Some(instant));
        assert_eq!(Timestamp::from_millis(1000).to_string(), "1970-01-01T00:00:01.000Z");
        assert!(Timestamp::parse("yesterday").is_err());
    }
}
