//! Statistics of a stream: how many deliveries were made, and how many failed (management-api.md 3.11).

use domain::clock::Timestamp;
use domain::ids::StreamId;
use domain::stream::EventStream;
use serde::Serialize;
use store::{CountedCycles, Stretches};

use super::query::QueryReader;
use super::reader::{Invalid, Text};

const DATE_FROM: Text = date("date_from", "An RFC-3339 date-time: the beginning of the window.");
const DATE_TO: Text = date("date_to", "An RFC-3339 date-time: the end of the window.");

const fn date(name: &'static str, about: &'static str) -> Text {
    Text::new(name, about).length(1, 40).format("date-time", |text| Timestamp::parse(text).is_ok())
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A window of up to this long is counted by the hour, a longer one by the day.
const HOURLY_MAX_MS: i64 = 2 * DAY_MS;

/// How far the default window goes back from its end.
const WINDOW_MS: i64 = 14 * DAY_MS + HOUR_MS;

/// The widest window: counts are not kept for longer.
const WINDOW_MAX_MS: i64 = 400 * DAY_MS;

/// A stretch of time, and the buckets that cover it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    width_ms: i64,
}

impl Window {
    /// Reads the window that a query asks for at `now`.
    pub(crate) fn read(query: &QueryReader, now: Timestamp) -> Result<Self, Invalid> {
        let read = |text: &Text| {
            let given = query.checked(text)?;
            Ok::<_, Invalid>(given.and_then(|given| Timestamp::parse(given).ok()).map(Timestamp::as_millis))
        };
        let (from, to) = (read(&DATE_FROM)?, read(&DATE_TO)?);
        let next_hour = (now.as_millis() + HOUR_MS - 1).div_euclid(HOUR_MS) * HOUR_MS;
        let to = to.unwrap_or(next_hour);
        let from = from.unwrap_or(to.saturating_sub(WINDOW_MS));
        let fault = |reason| Err(QueryReader::fault(DATE_FROM.field(), reason));
        match to.checked_sub(from) {
            Some(..=0) => fault("The window ends before it begins"),
            Some(length) if length <= WINDOW_MAX_MS => {
                let width_ms = if length <= HOURLY_MAX_MS { HOUR_MS } else { DAY_MS };
                Ok(Self { from: Timestamp::from_millis(from), to: Timestamp::from_millis(to), width_ms })
            }
            _ => fault("The window is too wide, maximum 400 days"),
        }
    }

    /// What to ask the store for.
    pub(crate) fn stretches(&self) -> Stretches {
        let width_ms = u32::try_from(self.width_ms).expect("a day has fewer milliseconds than 2^32");
        Stretches { from: self.from, until: self.to, width_ms }
    }

    fn buckets(&self) -> Vec<Timestamp> {
        let first = self.from.as_millis().div_euclid(self.width_ms) * self.width_ms;
        let count = usize::try_from(self.width_ms).expect("a day has fewer milliseconds than 2^32");
        (first..self.to.as_millis()).step_by(count).map(Timestamp::from_millis).collect()
    }
}

/// The statistics as they are answered; the members' order is the contract's.
#[derive(Serialize)]
pub(crate) struct StatsAnswer {
    id: StreamId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    window: WindowAnswer,
    buckets: Vec<Timestamp>,
    metrics: [MetricAnswer; 2],
}

#[derive(Serialize)]
struct WindowAnswer {
    date_from: Timestamp,
    date_to: Timestamp,
    bucket_interval: IntervalAnswer,
}

#[derive(Serialize)]
struct IntervalAnswer {
    /// In seconds.
    scale_factor: i64,
}

#[derive(Serialize)]
struct MetricAnswer {
    name: &'static str,
    window_total: u64,
    r#type: &'static str,
    data: Vec<u64>,
}

impl StatsAnswer {
    /// What was counted of `stream` in `window`.
    pub(crate) fn new(stream: EventStream, window: &Window, counted: &[CountedCycles]) -> Self {
        let buckets = window.buckets();
        let metric = |name, count: fn(&CountedCycles) -> u64| {
            let in_bucket = |bucket| counted.iter().filter(|each| each.start == bucket).map(count).sum();
            let data: Vec<u64> = buckets.iter().map(|bucket| in_bucket(*bucket)).collect();
            MetricAnswer { name, window_total: data.iter().sum(), r#type: "sum", data }
        };
        let metrics = [
            metric("auth0.event_streams.successful_deliveries", |each| each.cycles.delivered),
            metric("auth0.event_streams.failed_deliveries", |each| each.cycles.failed),
        ];
        Self {
            id: stream.id,
            name: stream.name,
            window: WindowAnswer {
                date_from: window.from,
                date_to: window.to,
                bucket_interval: IntervalAnswer { scale_factor: window.width_ms / 1000 },
            },
            metrics,
            buckets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Window, Invalid> {
        Window::read(&QueryReader::new(Some(query)), Timestamp::parse("2025-09-08T06:36:54Z").unwrap())
    }

    #[test]
    fn the_default_window_is_two_weeks_and_an_hour_by_the_day() {
        let window = read("").unwrap();
        assert_eq!(window.from.to_string(), "2025-08-25T06:00:00.000Z");
        assert_eq!(window.to.to_string(), "2025-09-08T07:00:00.000Z");
        let buckets = window.buckets();
        assert_eq!((buckets.len(), window.width_ms), (15, DAY_MS));
        assert_eq!(buckets[0].to_string(), "2025-08-25T00:00:00.000Z");
    }

    #[test]
    fn a_short_window_is_counted_by_the_hour() {
        let window = read("date_from=2025-09-07T00:30:00Z&date_to=2025-09-07T03:00:00Z").unwrap();
        assert_eq!((window.buckets().len(), window.width_ms), (3, HOUR_MS));
    }

    #[test]
    fn a_window_has_an_end_and_a_widest() {
        for query in
            ["date_from=2025-09-09T00:00:00Z", "date_from=1970-01-01T00:00:00Z", "date_from=yesterday", "date_to=x"]
        {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
