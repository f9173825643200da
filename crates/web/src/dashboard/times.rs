//! Times in the zone of the viewer, whose browser says it in a cookie; the exact time in UTC is always there, too.

use std::fmt;

use askama::filters::HtmlSafe;
use domain::clock::Timestamp;
use jiff::tz::TimeZone;

/// The longest name of a zone.
const NAME_BYTES_MAX: usize = 64;

/// A time zone.
#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// The zone of this name; UTC, if there is none.
    pub(super) fn of(name: Option<&str>) -> Self {
        let known = name.filter(|name| name.len() <= NAME_BYTES_MAX).and_then(|name| TimeZone::get(name).ok());
        Self(known.unwrap_or(TimeZone::UTC))
    }

    /// Its name, as a page says it once.
    pub(crate) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Day and time: `23 Nov 2026 10:42:18`.
    pub(crate) fn full(&self, at: Timestamp) -> When {
        self.when(at, "%-d %b %Y %H:%M:%S")
    }

    /// Day and time without seconds: `23 Nov 2026 10:42`.
    pub(crate) fn minute(&self, at: Timestamp) -> When {
        self.when(at, "%-d %b %Y %H:%M")
    }

    /// The day: `23 Nov 2026`.
    pub(crate) fn day(&self, at: Timestamp) -> When {
        self.when(at, "%-d %b %Y")
    }

    /// The time of a day that is said elsewhere: `10:42:18`.
    pub(crate) fn clock(&self, at: Timestamp) -> When {
        self.when(at, "%H:%M:%S")
    }

    /// The time with milliseconds: `10:42:18.651`.
    pub(crate) fn exact(&self, at: Timestamp) -> When {
        self.when(at, "%H:%M:%S.%3f")
    }

    fn when(&self, at: Timestamp, format: &str) -> When {
        let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
        When {
            iso: at.to_string(),
            utc: instant.strftime("%-d %b %Y %H:%M:%S.%3f UTC").to_string(),
            shown: instant.to_zoned(self.0.clone()).strftime(format).to_string(),
        }
    }
}

/// A time as a page shows it: a `<time>` with the exact one in its title. None of it needs to be escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct When {
    iso: String,
    utc: String,
    shown: String,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<time datetime="{}" title="{}">{}</time>"#, self.iso, self.utc, self.shown)
    }
}

impl HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_the_viewers_zone_and_exactly_in_utc() {
        let at = Timestamp::parse("2026-11-23T09:25:59.651Z").unwrap();
        let berlin = Zone::of(Some("Europe/Berlin"));
        assert_eq!(berlin.name(), "Europe/Berlin");
        assert_eq!(
            berlin.full(at).to_string(),
            r#"<time datetime="2026-11-23T09:25:59.651Z" title="23 Nov 2026 09:25:59.651 UTC">23 Nov 2026 10:25:59</time>"#
        );
        let summer = Timestamp::parse("2026-07-03T22:00:00Z").unwrap();
        assert_eq!([berlin.day(summer).shown, berlin.exact(at).shown], ["4 Jul 2026", "10:25:59.651"]);
        for unknown in [None, Some("Mars/Olympus"), Some("")] {
            assert_eq!(Zone::of(unknown).name(), "UTC");
        }
    }
}
