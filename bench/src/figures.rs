//! The figures of a run, what is required of them, and what came out.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Requirement {
    AtLeast(f64),
    AtMost(f64),
    /// It is told for information.
    None,
}

/// A figure that is measured once a run.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) requirement: Requirement,
    /// What others reach, for comparison.
    pub(crate) comparison: &'static str,
}

impl Figure {
    const fn new(key: &'static str, title: &'static str, unit: &'static str, requirement: Requirement) -> Self {
        Self { key, title, unit, requirement, comparison: "" }
    }

    const fn told(key: &'static str, title: &'static str, unit: &'static str) -> Self {
        Self::new(key, title, unit, Requirement::None)
    }

    const fn at_least(key: &'static str, title: &'static str, least: f64, unit: &'static str) -> Self {
        Self::new(key, title, unit, Requirement::AtLeast(least))
    }

    const fn at_most(key: &'static str, title: &'static str, most: f64, unit: &'static str) -> Self {
        Self::new(key, title, unit, Requirement::AtMost(most))
    }

    const fn beside(mut self, comparison: &'static str) -> Self {
        self.comparison = comparison;
        self
    }
}

/// Every figure, in the order in which they are shown.
pub(crate) const FIGURES: &[Figure] = &[
    Figure::told("bare", "B: bare load generator to the receiver", "/s"),
    Figure::told("flush", "one fdatasync", "ms"),
    Figure::told("grouped", "the same bytes, fdatasync in groups of 32", "/s"),
    Figure::at_least("single", "single events, deliveries/s", 0.15, "of B")
        .beside("bare relay 0.28; best-known server 0.009"),
    Figure::at_least("users", "through POST /api/v2/users, deliveries/s", 0.08, "of B"),
    Figure::at_least("batch", "in batches of 100, deliveries/s", 0.35, "of B"),
    Figure::at_least("drain", "draining a backlog, deliveries/s", 0.5, "of B"),
    Figure::at_least("fanout", "fan-out to 10 streams, deliveries/s", 0.28, "of B").beside("best-known server 0.027"),
    Figure::at_most("latency_p50", "end to end at a steady 600/s, p50", 0.6, "ms")
        .beside("bare relay 0.27; best-known server 2.2"),
    Figure::at_most("latency_p99", "end to end at a steady 600/s, p99", 2.0, "ms")
        .beside("bare relay 0.62; best-known server 7.8"),
    Figure::at_most("cpu", "CPU of the server per 1,000 deliveries, saturated", 0.075, "s")
        .beside("bare relay 0.024; best-known server 1.53"),
    Figure::at_most("written", "written to disk per event, saturated", 6.0, "kB")
        .beside("bare relay 4.2; best-known server 18.6"),
    Figure::at_most("recovery", "ready after SIGKILL to last accepted delivered", 1.0, "s")
        .beside("best-known server 46"),
    Figure::at_most("recovery_lost", "  accepted events lost", 0.0, ""),
    Figure::told("recovery_repeated", "  deliveries repeated", ""),
    Figure::told("recovery_ready", "  SIGKILL to ready", "s"),
    Figure::at_most("memory", "most memory while the backlog is made and drained", 250.0, "MiB"),
    Figure::at_most("isolation_p99", "p99 beside 200 bad receivers, to alone", 3.0, "times"),
    Figure::at_most("backlog_start", "start-up over the long backlog", 2.0, "s"),
    Figure::at_most("backlog_memory", "most memory over the long backlog", 250.0, "MiB"),
    Figure::at_least("backlog_head", "single events over the long backlog, to an empty log", 0.9, "times"),
    Figure::at_least("backlog_drain", "draining the long backlog, to one of 200,000", 0.9, "times"),
    Figure::at_least("behind_slow", "single events beside a slow stream far behind", 0.9, "times"),
    Figure::told("retention", "single events beside retention, to without", "times"),
    Figure::told("erasure", "single events beside erasures, to without", "times"),
    Figure::at_most("erasure_left", "  erased users whose data were delivered afterwards", 0.0, ""),
    Figure::told("erasure_ends", "  last erasure asked for to all of them done", "s"),
    Figure::told("users_cpu", "CPU per 1,000 deliveries through users", "s"),
    Figure::told("users_written", "written per event through users", "kB"),
    Figure::told("drain_cpu", "CPU per 1,000 deliveries while draining", "s"),
    Figure::told("disk_written", "written per event, file system's journal included", "kB"),
    Figure::told("retention_p99", "p99 at full load beside retention, to without", "times"),
    Figure::told("erasure_p99", "p99 at full load beside erasures, to without", "times"),
    Figure::told("behind_slow_p99", "p99 at full load beside a slow stream far behind, to alone", "times"),
    Figure::told("behind_fast", "single events beside a stream that catches up at full speed", "times"),
    Figure::told("behind_steady_p50", "p50 at a steady 600/s beside a stream that catches up", "ms"),
    Figure::told("behind_steady_p99", "p99 at a steady 600/s beside a stream that catches up", "ms"),
    Figure::told("behind_steady_times", "  that p99, to alone", "times"),
    Figure::told("backlog_memory_idle", "memory of a server just started over the long backlog", "MiB"),
    Figure::told("allocations", "allocations per delivery, accepting included, saturated", ""),
    Figure::told("allocations_delivery", "  of these for the delivery alone", ""),
    Figure::told("allocations_one", "allocations per delivery, one event at a time", ""),
];

/// The samples of one figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        let at = self.0.partition_point(|other| *other <= sample);
        self.0.insert(at, sample);
    }

    /// The middle one; of an even number, the mean of both in the middle.
    pub(crate) fn median(&self) -> Option<f64> {
        let middle = self.0.len() / 2;
        let upper = self.0.get(middle)?;
        Some(if self.0.len() % 2 == 1 { *upper } else { f64::midpoint(self.0[middle - 1], *upper) })
    }

    pub(crate) fn least(&self) -> Option<f64> {
        self.0.first().copied()
    }

    pub(crate) fn most(&self) -> Option<f64> {
        self.0.last().copied()
    }

    pub(crate) fn sorted(&self) -> &[f64] {
        &self.0
    }
}

impl Requirement {
    /// Whether this figure is good enough; `None` if nothing is required.
    pub(crate) fn met_by(self, figure: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(figure >= least),
            Self::AtMost(most) => Some(figure <= most),
            Self::None => None,
        }
    }
}

/// What all runs measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) samples: BTreeMap<&'static str, Samples>,
    /// Why a row has no figures, by the row's name.
    pub(crate) skipped: BTreeMap<&'static str, String>,
    /// Measurements that are not counted because others used the machine meanwhile.
    pub(crate) disturbed: Vec<String>,
    /// What went wrong: rows with their runs.
    pub(crate) failed: Vec<String>,
}

impl Results {
    pub(crate) fn add(&mut self, figures: &[(&'static str, f64)]) {
        for (key, sample) in figures {
            self.samples.entry(key).or_default().push(*sample);
        }
    }

    pub(crate) fn of(&self, key: &str) -> Option<&Samples> {
        self.samples.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spreads() {
        let mut samples = Samples::default();
        assert_eq!(samples.median(), None);
        for sample in [5.0, 1.0, 3.0] {
            samples.push(sample);
        }
        assert_eq!((samples.least(), samples.median(), samples.most()), (Some(1.0), Some(3.0), Some(5.0)));
        samples.push(4.0);
        assert_eq!(samples.median(), Some(3.5));
    }

    #[test]
    fn requirements() {
        assert_eq!(Requirement::AtLeast(0.5).met_by(0.5), Some(true));
        assert_eq!(Requirement::AtMost(0.5).met_by(0.6), Some(false));
        assert_eq!(Requirement::None.met_by(0.6), None);
    }
}
