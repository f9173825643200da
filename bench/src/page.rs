//! The page that shows what a run came to: `docs/performance/README.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::figures::{FIGURES, Figure, Requirement, Results, Samples};
use crate::growth::Curve;
use crate::machine::Machine;
use crate::plot::REQUIREMENTS;
use crate::report::{Asked, number};

/// Writes the page into `folder`, beside the plots.
pub(crate) fn write(
    folder: &Path,
    asked: &Asked,
    machine: &Machine,
    results: &Results,
    curves: &[Curve],
) -> Result<()> {
    let path = folder.join("README.md");
    let text = page(asked, machine, results, curves);
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn page(asked: &Asked, machine: &Machine, results: &Results, curves: &[Curve]) -> String {
    let median = |key| results.of(key).and_then(Samples::median);
    let shown = |key, unit: &str| median(key).map_or_else(|| "not measured".to_owned(), |is| number(is) + unit);
    let mut text = format!(
        "# Performance\n\n\
         Written by `cargo xtask bench --growth --plots` on {}; [bench/README.md](../../bench/README.md) says what each \
         row measures and how.\n\n\
         One machine with {} ran everything: load generator, receiver and server. B, the load generator straight to the \
         receiver, was {}; one `fdatasync` took {}. Medians over {} runs; the spread is from the least to the most. The \
         long backlog had {} events.\n",
        asked.date,
        machine.in_words(),
        shown("bare", "/s"),
        shown("flush", " ms"),
        asked.runs,
        thousands(asked.backlog_events),
    );
    let is_required = |figure: &&Figure| figure.requirement != Requirement::None;
    let _ = write!(text, "\n## What is required\n\n| what | median | spread | required | |\n|---|---|---|---|---|\n");
    for figure in FIGURES.iter().filter(is_required) {
        text += &line(figure, results, true);
    }
    let _ = write!(text, "\n![Reached, as a multiple of what is required]({REQUIREMENTS})\n");
    let _ = write!(text, "\n## Besides\n\n| what | median | spread |\n|---|---|---|\n");
    for figure in FIGURES.iter().filter(|figure| !is_required(figure)) {
        text += &line(figure, results, false);
    }
    for (row, why) in &results.skipped {
        let _ = write!(text, "\nNot measured: {row}: {why}\n");
    }
    for disturbed in &results.disturbed {
        let _ = write!(text, "\nNot counted: {disturbed}\n");
    }
    for failure in &results.failed {
        let _ = write!(text, "\nFailed: {failure}\n");
    }
    if !curves.is_empty() {
        text += "\n## How the figures grow\n\nEach point was measured once.\n";
    }
    for curve in curves {
        let _ = write!(text, "\n![{}: {}, over {}]({})\n", curve.title, curve.unit, curve.over, curve.file());
    }
    text
}

/// A row of a table; empty if the figure was not measured.
fn line(figure: &Figure, results: &Results, is_required: bool) -> String {
    let Some(samples) = results.of(figure.key) else { return String::new() };
    let (Some(median), Some(least), Some(most)) = (samples.median(), samples.least(), samples.most()) else {
        return String::new();
    };
    let measured = format!("{} {}", number(median), figure.unit);
    let mut line = format!("| {} | {} | {} to {} |", figure.title.trim(), measured.trim(), number(least), number(most));
    if is_required {
        let verdict = if figure.requirement.met_by(median) == Some(true) { "met" } else { "**not met**" };
        let _ = write!(line, " {} | {verdict} |", figure.requirement.text());
    }
    line + "\n"
}

/// A number with commas.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_is_met_and_what_is_missing() {
        let mut results = Results::default();
        results.add(&[("single", 0.2), ("single", 0.3), ("users", 0.01), ("bare", 100_000.0)]);
        results.skipped.insert("backlog", "no room".into());
        let asked =
            Asked { date: "2026-01-02".into(), runs: 2, quick: false, connections: 32, backlog_events: 10_000_000 };
        let page = page(&asked, &Machine::read(), &results, &[]);
        assert!(page.contains("| 0.250 of B | 0.200 to 0.300 | ≥ 0.150 | met |"), "{page}");
        assert!(page.contains("| **not met** |") && page.contains("was 100000/s"), "{page}");
        assert!(page.contains("Not measured: backlog: no room") && page.contains("10,000,000 events"), "{page}");
    }
}
