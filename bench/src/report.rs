//! What a run shows: the table, and the JSON file.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::figures::{FIGURES, Figure, Requirement, Results, Samples};
use crate::growth::Curve;
use crate::machine::Machine;
use crate::options::{Options, Sizes};

/// One figure as it is written down.
#[derive(Serialize)]
struct FigureRecord<'a> {
    key: &'a str,
    title: &'a str,
    unit: &'a str,
    required: Requirement,
    median: Option<f64>,
    least: Option<f64>,
    most: Option<f64>,
    samples: &'a [f64],
    met: Option<bool>,
}

/// A run as it is written down.
#[derive(Serialize)]
struct RunRecord<'a> {
    machine: &'a Machine,
    #[serde(flatten)]
    asked: &'a Asked,
    figures: Vec<FigureRecord<'a>>,
    growth: &'a [Curve],
    skipped: &'a std::collections::BTreeMap<&'static str, String>,
    disturbed: &'a [String],
    failed: &'a [String],
}

/// A number with as many places as matter.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

impl Requirement {
    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", number(least)),
            Self::AtMost(most) => format!("≤ {}", number(most)),
            Self::None => String::new(),
        }
    }
}

fn line(figure: &Figure, samples: &Samples) -> Option<String> {
    let (median, least, most) = (samples.median()?, samples.least()?, samples.most()?);
    let verdict = match figure.requirement.met_by(median) {
        Some(true) => "met",
        Some(false) => "NOT MET",
        None => "",
    };
    let measured = format!("{} {}", number(median), figure.unit);
    let spread = format!("({} to {})", number(least), number(most));
    let text = format!(
        "{:<60} {measured:>14}  {spread:<20} {:<8} {verdict:<8} {}",
        figure.title,
        figure.requirement.text(),
        figure.comparison
    );
    Some(text.trim_end().to_owned())
}

/// The table for the terminal.
pub(crate) fn table(results: &Results) -> String {
    let mut text = format!("{:<60} {:>14}  {:<20} {:<8}\n", "what", "median", "(spread)", "required");
    for figure in FIGURES {
        if let Some(line) = results.of(figure.key).and_then(|samples| line(figure, samples)) {
            let _ = writeln!(text, "{line}");
        }
    }
    for (row, why) in &results.skipped {
        let _ = writeln!(text, "skipped: {row}: {why}");
    }
    for disturbed in &results.disturbed {
        let _ = writeln!(text, "not counted: {disturbed}");
    }
    for failure in &results.failed {
        let _ = writeln!(text, "FAILED: {failure}");
    }
    text
}

/// What was asked for, for the record.
#[derive(Serialize)]
pub(crate) struct Asked {
    /// The day of the run.
    pub(crate) date: String,
    pub(crate) runs: usize,
    pub(crate) quick: bool,
    pub(crate) connections: usize,
    /// Events of the long backlog.
    pub(crate) backlog_events: u64,
}

impl Asked {
    pub(crate) fn new(options: &Options, sizes: &Sizes) -> Self {
        Self {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            runs: options.runs,
            quick: options.quick,
            connections: options.connections,
            backlog_events: sizes.long,
        }
    }
}

/// Writes the JSON file.
pub(crate) fn write(path: &Path, asked: &Asked, machine: &Machine, results: &Results, growth: &[Curve]) -> Result<()> {
    let figures = FIGURES.iter().filter_map(|figure| {
        let samples = results.of(figure.key)?;
        let median = samples.median();
        Some(FigureRecord {
            key: figure.key,
            title: figure.title.trim(),
            unit: figure.unit,
            required: figure.requirement,
            median,
            least: samples.least(),
            most: samples.most(),
            samples: samples.sorted(),
            met: median.and_then(|median| figure.requirement.met_by(median)),
        })
    });
    let record = RunRecord {
        machine,
        asked,
        figures: figures.collect(),
        growth,
        skipped: &results.skipped,
        disturbed: &results.disturbed,
        failed: &results.failed,
    };
    let text = serde_json::to_string_pretty(&record)?;
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_is_met() {
        let mut results = Results::default();
        for sample in [0.1, 0.2, 0.3] {
            results.add(&[("single", sample), ("users", sample / 10.0)]);
        }
        results.skipped.insert("batch", "not taken".into());
        let table = table(&results);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4, "{table}");
        assert!(lines[1].contains("0.200 of B") && lines[1].contains("(0.100 to 0.300)"), "{table}");
        assert!(lines[1].contains("≥ 0.150") && lines[1].contains(" met"), "{table}");
        assert!(lines[2].contains("NOT MET"), "{table}");
        assert_eq!(lines[3], "skipped: batch: not taken");
    }
}
