//! How the figures grow with the log, the streams, the fan-out and the receiver's latency.

use anyhow::Result;
use serde::Serialize;

use crate::machine::{TRIES, Watch, wait_until_quiet};
use crate::options::Options;
use crate::rows::Bench;
use crate::rows::throughput::Scenario;

/// A figure over something that grows.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    /// A name for the file.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) over: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

const LOG: &[u64] = &[0, 20_000, 200_000, 2_000_000];
const BACKLOG: &[u64] = &[20_000, 200_000, 2_000_000];
const IDLE_STREAMS: &[usize] = &[0, 10, 100, 1000];
const FAN_OUT: &[usize] = &[1, 2, 5, 10, 20, 50];
const RECEIVER_MS: &[u64] = &[0, 1, 5, 20, 100];
/// A quick run leaves out what is larger.
const QUICK_MAX: u64 = 200_000;
/// How many deliveries each point counts, at least; a slow receiver gets fewer.
const DELIVERIES: u64 = 40_000;

/// Measures every curve once, and says each point as it comes.
pub(crate) async fn measure(bench: &mut Bench, options: &Options, say: impl Fn(&str)) -> Result<Vec<Curve>> {
    let fits = |count: &&u64| !options.quick || **count <= QUICK_MAX;
    let scenario = Scenario::new(bench.one_by_one(), DELIVERIES);
    let mut log = Curve::new("log", "One stream at the head", "events in the log before", "deliveries/s");
    for logged_before in LOG.iter().copied().filter(|count| fits(&count)) {
        log.measure(bench, logged_before, Scenario { logged_before, ..scenario }, &say).await?;
    }
    let mut backlog = Curve::new("backlog", "Draining a backlog", "events in the backlog", "deliveries/s");
    let mut memory = Curve::new("memory", "Memory with a backlog", "events in the backlog", "MiB");
    for events in BACKLOG.iter().copied().filter(|count| fits(&count)) {
        wait_until_quiet().await;
        let found = bench.drain(events).await?;
        backlog.add(events, found.deliveries_per_s, &say);
        memory.add(events, found.peak_mib, &say);
    }
    let mut streams = Curve::new("streams", "One stream beside idle ones", "idle streams", "deliveries/s");
    for idle_streams in IDLE_STREAMS.iter().copied() {
        streams.measure(bench, idle_streams as u64, Scenario { idle_streams, ..scenario }, &say).await?;
    }
    let mut fan_out = Curve::new("fanout", "Every event to many streams", "streams", "deliveries/s");
    for streams in FAN_OUT.iter().copied() {
        let scenario = Scenario { streams, events: DELIVERIES.div_ceil(streams as u64), ..scenario };
        fan_out.measure(bench, streams as u64, scenario, &say).await?;
    }
    let mut latency = Curve::new("receiver", "A receiver that takes its time", "ms for each answer", "deliveries/s");
    for receiver_ms in RECEIVER_MS.iter().copied() {
        let scenario = Scenario { receiver_ms, events: DELIVERIES / (1 + receiver_ms / 4), ..scenario };
        latency.measure(bench, receiver_ms, scenario, &say).await?;
    }
    Ok(vec![log, backlog, memory, streams, fan_out, latency])
}

impl Curve {
    const fn new(key: &'static str, title: &'static str, over: &'static str, unit: &'static str) -> Self {
        Self { key, title, over, unit, points: Vec::new() }
    }

    async fn measure(&mut self, bench: &mut Bench, at: u64, scenario: Scenario, say: &impl Fn(&str)) -> Result<()> {
        let mut deliveries_per_s = 0.0;
        for _ in 0..TRIES {
            wait_until_quiet().await;
            let watch = Watch::begin(bench.receiver.pid());
            deliveries_per_s = bench.throughput(scenario).await?.deliveries_per_s;
            let Some(why) = watch.disturbed() else { break };
            say(&format!("{}: disturbed at {at}: {why}", self.title));
        }
        self.add(at, deliveries_per_s, say);
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn add(&mut self, at: u64, figure: f64, say: &impl Fn(&str)) {
        say(&format!("{}: {at} {}: {figure:.0} {}", self.title, self.over, self.unit));
        self.points.push((at as f64, figure));
    }
}
