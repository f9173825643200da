//! How the figures grow with the log, the streams, the fan-out and the receiver's latency.

use anyhow::Result;
use serde::Serialize;

use crate::backlog::Backlog;
use crate::machine::measure_quietly;
use crate::rows::Bench;
use crate::rows::steady::RATE;
use crate::rows::throughput::Scenario;

/// Figures over something that grows.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    /// A name for the file.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    /// What grows, with its unit.
    pub(crate) over: &'static str,
    /// What is measured, with its unit.
    pub(crate) unit: &'static str,
    /// Whether what grows is shown by its logarithm.
    pub(crate) spread: bool,
    pub(crate) series: Vec<Series>,
    pub(crate) required: Option<Line>,
}

/// One line of points.
#[derive(Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What is required everywhere.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) at: f64,
}

const IDLE_STREAMS: &[usize] = &[0, 5, 50, 500];
const FAN_OUT: &[usize] = &[1, 2, 5, 10, 20, 50];
const RECEIVER_MS: &[u64] = &[0, 1, 5, 20, 50, 100, 200];
/// Events a second where each goes to many streams, or to a receiver that takes its time.
const RATE_BESIDE: u32 = 100;
/// How many deliveries each point counts, at least; a slow receiver gets fewer.
const DELIVERIES: u64 = 40_000;
/// A quick run counts fewer.
const DELIVERIES_QUICK: u64 = 8_000;

/// What a stream may lose over a long log.
const TIMES_LEAST: f64 = 0.9;
const P99_MS_MOST: f64 = 2.0;
const MEMORY_MIB_MOST: f64 = 250.0;
const START_S_MOST: f64 = 2.0;

impl Curve {
    fn new(
        key: &'static str,
        title: &'static str,
        over: &'static str,
        unit: &'static str,
        names: &[&'static str],
    ) -> Self {
        let series = names.iter().map(|name| Series { name, points: Vec::new() });
        Self { key, title, over, unit, spread: true, series: series.collect(), required: None }
    }

    /// Deliveries a second at full load.
    fn throughput(key: &'static str, title: &'static str, over: &'static str) -> Self {
        Self::new(key, title, over, "deliveries/s at full load", &["deliveries/s"])
    }

    /// p50 and p99.
    fn latency(key: &'static str, title: &'static str, over: &'static str, unit: &'static str) -> Self {
        Self::new(key, title, over, unit, &["p50", "p99"])
    }

    const fn evenly(mut self) -> Self {
        self.spread = false;
        self
    }

    const fn required(mut self, name: &'static str, at: f64) -> Self {
        self.required = Some(Line { name, at });
        self
    }

    /// Whether there is anything to draw.
    pub(crate) fn is_drawn(&self) -> bool {
        self.series.iter().any(|series| !series.points.is_empty())
    }

    /// Where it was measured, line by line.
    pub(crate) fn places(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|series| &series.points).map(|(at, _)| *at)
    }

    /// The name of its plot.
    pub(crate) fn file(&self) -> String {
        format!("growth-{}.svg", self.key)
    }

    fn add(&mut self, at: u64, figures: &[f64]) {
        let shown: Vec<_> = figures.iter().map(|figure| crate::report::number(*figure)).collect();
        println!("  {}: {at} {}: {} {}", self.title, self.over, shown.join(", "), self.unit);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        for (series, figure) in self.series.iter_mut().zip(figures) {
            series.points.push((at as f64, *figure));
        }
    }
}

/// The curves over the length of the log.
pub(crate) struct OverLog {
    throughput: Curve,
    latency: Curve,
    drain: Curve,
    memory: Curve,
    start: Curve,
}

impl OverLog {
    pub(crate) fn new() -> Self {
        let over = "events in the log";
        let drain = ("log-drain", "A stream that reads the log from its beginning");
        let memory = ("log-memory", "Memory of the server");
        let start = ("log-start", "Start-up of the server, after SIGKILL");
        Self {
            throughput: Curve::throughput("log-throughput", "One stream at the head", over).evenly(),
            latency: Curve::latency(
                "log-latency",
                "One stream at the head",
                over,
                "ms from sent to received, at 600/s",
            )
            .evenly()
            .required("p99 required", P99_MS_MOST),
            drain: Curve::throughput(drain.0, drain.1, over).evenly(),
            memory: Curve::new(memory.0, memory.1, over, "MiB", &["just started", "most, under load and draining"])
                .evenly()
                .required("required", MEMORY_MIB_MOST),
            start: Curve::new(start.0, start.1, over, "s from start to ready", &["start-up"])
                .evenly()
                .required("required", START_S_MOST),
        }
    }

    /// The lengths at which a log of so many events is measured.
    pub(crate) const fn lengths(events: u64) -> [u64; 4] {
        [0, events / 10, events / 2, events]
    }

    /// Measures the log as it is.
    pub(crate) async fn measure(&mut self, bench: &mut Bench, backlog: &mut Backlog, length: u64) -> Result<()> {
        let start = backlog.start_again().await?;
        let idle = backlog.memory()?.idle_mib;
        let own = backlog.processes(bench);
        let head = measure_quietly(&own, async || backlog.head(bench).await).await?.measured;
        let steady = measure_quietly(&own, async || backlog.steady(bench).await).await?.measured;
        self.start.add(length, &[start]);
        self.throughput.add(length, &[head.deliveries_per_s]);
        self.latency.add(length, &[steady.p50_ms, steady.p99_ms]);
        if length > bench.sizes.backlog {
            let drained = measure_quietly(&own, async || backlog.drain(bench).await).await?.measured;
            self.drain.add(length, &[drained]);
        } else {
            let drained = measure_quietly(&own, async || backlog.drain_short(bench).await).await?.measured;
            self.drain.add(bench.sizes.backlog, &[drained]);
        }
        self.memory.add(length, &[idle, backlog.memory()?.most_mib]);
        Ok(())
    }

    pub(crate) fn curves(self) -> Vec<Curve> {
        let times_least = |curve: Curve| {
            let first = curve.series.first().and_then(|series| series.points.first()).map(|(_, figure)| *figure);
            match first {
                Some(first) => curve.required("0.9 of the first", TIMES_LEAST * first),
                None => curve,
            }
        };
        vec![times_least(self.throughput), self.latency, times_least(self.drain), self.memory, self.start]
    }
}

/// Measures a pair of curves: deliveries a second at full load, and the times at a steady rate.
struct Pair {
    throughput: Curve,
    latency: Curve,
    rate: u32,
}

impl Pair {
    async fn measure(&mut self, bench: &mut Bench, at: u64, scenario: Scenario) -> Result<()> {
        let own = [bench.receiver.pid()];
        let rate = self.rate;
        let watched = measure_quietly(&own, async || bench.throughput_and_steady(scenario, rate).await).await?;
        if let Some(why) = watched.disturbed {
            println!("  {}: disturbed at {at}: {why}", self.throughput.title);
        }
        let (throughput, steady) = watched.measured;
        self.throughput.add(at, &[throughput.deliveries_per_s]);
        self.latency.add(at, &[steady.p50_ms, steady.p99_ms]);
        Ok(())
    }

    fn curves(self) -> [Curve; 2] {
        [self.throughput, self.latency]
    }
}

/// Measures the curves over the streams, the fan-out and the receiver.
pub(crate) async fn measure(bench: &mut Bench, curves: &mut Vec<Curve>) -> Result<()> {
    let deliveries = if bench.options.quick { DELIVERIES_QUICK } else { DELIVERIES };
    let scenario = Scenario::new(bench.one_by_one(), deliveries);

    let (title, over) = ("One stream beside idle ones", "idle streams");
    let mut streams = Pair {
        throughput: Curve::throughput("streams-throughput", title, over),
        latency: Curve::latency("streams-latency", title, over, "ms from sent to received, at 600/s")
            .required("p99 required", P99_MS_MOST),
        rate: RATE,
    };
    for idle_streams in IDLE_STREAMS.iter().copied() {
        streams.measure(bench, idle_streams as u64, Scenario { idle_streams, ..scenario }).await?;
    }
    curves.extend(streams.curves());

    let (title, over) = ("Every event to many streams", "streams");
    let mut fan_out = Pair {
        throughput: Curve::throughput("fanout-throughput", title, over),
        latency: Curve::latency("fanout-latency", title, over, "ms from sent to received, at 100 events/s"),
        rate: RATE_BESIDE,
    };
    for streams in FAN_OUT.iter().copied() {
        let scenario = Scenario { streams, events: deliveries.div_ceil(streams as u64), ..scenario };
        fan_out.measure(bench, streams as u64, scenario).await?;
    }
    curves.extend(fan_out.curves());

    let (title, over) = ("A receiver that takes its time", "ms that it takes for each answer");
    let mut receiver = Pair {
        throughput: Curve::throughput("receiver-throughput", title, over),
        latency: Curve::latency("receiver-latency", title, over, "ms from sent to received, at 100 events/s"),
        rate: RATE_BESIDE,
    };
    for receiver_ms in RECEIVER_MS.iter().copied() {
        let scenario = Scenario { receiver_ms, events: deliveries / (1 + receiver_ms / 4), ..scenario };
        receiver.measure(bench, receiver_ms, scenario).await?;
    }
    curves.extend(receiver.curves());
    Ok(())
}
