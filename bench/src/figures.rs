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

/// Every figure, in the order in which they are shown.
pub(crate) const FIGURES: &[Figure] = &[
    Figure {
        key: "bare",
        title: "B: bare load generator to the receiver",
        unit: "/s",
        requirement: Requirement::None,
        comparison: "",
    },
    Figure { key: "flush", title: "one fdatasync", unit: "ms", requirement: Requirement::None, comparison: "" },
    Figure {
        key: "grouped",
        title: "the same bytes, fdatasync in groups of 32",
        unit: "/s",
        requirement: Requirement::None,
        comparison: "",
    },
    Figure {
        key: "single",
        title: "single events, deliveries/s",
        unit: "of B",
        requirement: Requirement::AtLeast(0.15),
        comparison: "bare relay 0.28; best-known server 0.009",
    },
    Figure {
        key: "users",
        title: "through POST /api/v2/users, deliveries/s",
        unit: "of B",
        requirement: Requirement::AtLeast(0.08),
        comparison: "",
    },
    Figure {
        key: "batch",
        title: "in batches of 100, deliveries/s",
        unit: "of B",
        requirement: Requirement::AtLeast(0.35),
        comparison: "",
    },
    Figure {
        key: "drain",
        title: "draining a backlog, deliveries/s",
        unit: "of B",
        requirement: Requirement::AtLeast(0.5),
        comparison: "",
    },
    Figure {
        key: "fanout",
        title: "fan-out to 10 streams, deliveries/s",
        unit: "of B",
        requirement: Requirement::AtLeast(0.28),
        comparison: "best-known server 0.027",
    },
    Figure {
        key: "latency_p50",
        title: "end to end at a steady 600/s, p50",
        unit: "ms",
        requirement: Requirement::AtMost(0.6),
        comparison: "bare relay 0.27; best-known server 2.2",
    },
    Figure {
        key: "latency_p99",
        title: "end to end at a steady 600/s, p99",
        unit: "ms",
        requirement: Requirement::AtMost(2.0),
        comparison: "bare relay 0.62; best-known server 7.8",
    },
    Figure {
        key: "cpu",
        title: "CPU of the server per 1,000 deliveries, saturated",
        unit: "s",
        requirement: Requirement::AtMost(0.075),
        comparison: "bare relay 0.024; best-known server 1.53",
    },
    Figure {
        key: "written",
        title: "written to disk per event, saturated",
        unit: "kB",
        requirement: Requirement::AtMost(6.0),
        comparison: "bare relay 4.2; best-known server 18.6",
    },
    Figure {
        key: "recovery",
        title: "ready after SIGKILL to last accepted delivered",
        unit: "s",
        requirement: Requirement::AtMost(1.0),
        comparison: "best-known server 46",
    },
    Figure {
        key: "recovery_lost",
        title: "  accepted events lost",
        unit: "",
        requirement: Requirement::AtMost(0.0),
        comparison: "",
    },
    Figure {
        key: "recovery_repeated",
        title: "  deliveries repeated",
        unit: "",
        requirement: Requirement::None,
        comparison: "",
    },
    Figure {
        key: "recovery_ready",
        title: "  SIGKILL to ready",
        unit: "s",
        requirement: Requirement::None,
        comparison: "",
    },
    Figure {
        key: "memory",
        title: "most memory while the backlog is made and drained",
        unit: "MiB",
        requirement: Requirement::AtMost(250.0),
        comparison: "",
    },
    Figure {
        key: "isolation_p99",
        title: "p99 beside 200 bad receivers, to alone",
        unit: "times",
        requirement: Requirement::AtMost(3.0),
        comparison: "",
    },
    Figure {
        key: "users_cpu",
        title: "CPU per 1,000 deliveries through users",
        unit: "s",
        requirement: Requirement::None,
        comparison: "",
    },
    Figure {
        key: "users_written",
        title: "written per event through users",
        unit: "kB",
        requirement: Requirement::None,
        comparison: "",
    },
    Figure {
        key: "drain_cpu",
        title: "CPU per 1,000 deliveries while draining",
        unit: "s",
        requirement: Requirement::None,
        comparison: "",
    },
    Figure {
        key: "disk_written",
        title: "written per event, file system's journal included",
        unit: "kB",
        requirement: Requirement::None,
        comparison: "",
    },
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
