//! Plots as SVG: bars of what is required and reached, and curves of what grows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::figures::{FIGURES, Requirement, Results};
use crate::growth::{Curve, Series};
use crate::report::number;

/// The file of the bars.
pub(crate) const REQUIREMENTS: &str = "requirements.svg";

const WIDTH: f64 = 760.0;
const LABELS: f64 = 370.0;
const BAR: f64 = 18.0;
const STEP: f64 = 30.0;
const TOP: f64 = 50.0;
const PLOT_HEIGHT: f64 = 300.0;
const MARGIN: f64 = 90.0;
/// Bars are drawn up to so many times what is required.
const TIMES_MAX: f64 = 4.0;
const GOOD: &str = "#2e7d5b";
const BAD: &str = "#b5472f";
/// Of the lines of a curve.
const COLOURS: [&str; 2] = ["#2e7d5b", "#2c5f9e"];
/// Where a point's figure stands.
const ABOVE: f64 = -9.0;
const BELOW: f64 = 17.0;
const INK: &str = "#333333";
const FAINT: &str = "#dddddd";

/// Writes every plot into `folder`.
pub(crate) fn write_all(folder: &Path, results: &Results, curves: &[Curve]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut plots = vec![(REQUIREMENTS.to_owned(), bars(results))];
    plots.extend(curves.iter().map(|each| (each.file(), curve(each))));
    for (name, svg) in plots {
        let path = folder.join(name);
        fs::write(&path, svg).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// An SVG document around `content`.
fn document(height: f64, title: &str, content: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"{INK}\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <g font-size=\"15\">{}</g>\n{content}</svg>\n",
        text(14.0, 24.0, "start", title)
    )
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n")
}

/// How often a figure reaches what is required; 1 is just enough, more is better.
fn times_reached(requirement: Requirement, figure: f64) -> Option<f64> {
    match requirement {
        Requirement::AtLeast(least) if least > 0.0 => Some(figure / least),
        Requirement::AtMost(most) if most > 0.0 => Some(most / figure.max(1e-9)),
        _ => None,
    }
}

fn bars(results: &Results) -> String {
    let mut content = String::new();
    let mut y = TOP;
    let scale = (WIDTH - LABELS - MARGIN) / TIMES_MAX;
    for figure in FIGURES {
        let Some(samples) = results.of(figure.key) else { continue };
        let reached = |sample: Option<f64>| sample.and_then(|sample| times_reached(figure.requirement, sample));
        let Some((times, median)) = reached(samples.median()).zip(samples.median()) else { continue };
        let (one, other) = (reached(samples.least()).unwrap_or(times), reached(samples.most()).unwrap_or(times));
        let x = |times: f64| LABELS + times.min(TIMES_MAX) * scale;
        let colour = if times >= 1.0 { GOOD } else { BAD };
        content += &text(LABELS - 8.0, y + 13.0, "end", figure.title.trim());
        let _ = writeln!(
            content,
            "<rect x=\"{LABELS}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
             <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"{INK}\" stroke-width=\"1.5\"/>",
            x(times) - LABELS,
            x(one),
            x(other),
            y + BAR / 2.0,
            y + BAR / 2.0
        );
        let label = format!("{} {}", number(median), figure.unit);
        content += &text(x(times.max(one).max(other)) + 5.0, y + 13.0, "start", &label);
        y += STEP;
    }
    let just = LABELS + scale;
    let _ = writeln!(
        content,
        "<line x1=\"{just:.1}\" x2=\"{just:.1}\" y1=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{INK}\" stroke-dasharray=\"4 3\"/>",
        TOP - 8.0
    );
    content += &text(just, TOP - 12.0, "middle", "required");
    document(y + 20.0, "Reached, as a multiple of what is required (medians; lines: spread over the runs)", &content)
}

fn curve(curve: &Curve) -> String {
    let drawn = Drawing::of(curve);
    let (left, right, bottom) = (drawn.left, drawn.right, drawn.bottom);
    let mut content = drawn.scale();
    let places: BTreeSet<u64> = curve.places().map(f64::to_bits).collect();
    for at in places.into_iter().map(f64::from_bits) {
        content += &text(drawn.x(at), bottom + 18.0, "middle", &count(at));
    }
    if let Some(required) = &curve.required {
        let y = drawn.y(required.at);
        let _ = writeln!(
            content,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{BAD}\" stroke-dasharray=\"6 4\"/>"
        );
        let label = format!("{}: {}", required.name, number(required.at));
        content += &format!("<g fill=\"{BAD}\">{}</g>\n", text(right, y - 6.0, "end", &label));
    }
    // Of two lines the first is the lower one, and says its figures below.
    let first_label = if curve.series.len() > 1 { BELOW } else { ABOVE };
    for ((series, colour), label) in curve.series.iter().zip(COLOURS).zip([first_label, ABOVE]) {
        content += &drawn.line(series, colour, label);
    }
    if curve.series.len() > 1 {
        for (number, (series, colour)) in curve.series.iter().zip(COLOURS).enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a few lines")]
            let x = left + 190.0 * number as f64;
            let _ = writeln!(
                content,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>",
                TOP - 9.0
            );
            content += &text(x + 20.0, TOP - 3.0, "start", series.name);
        }
    }
    content += &text(f64::midpoint(left, right), bottom + 42.0, "middle", curve.over);
    let (x, y) = (20.0, f64::midpoint(drawn.top, bottom));
    content += &format!("<g transform=\"rotate(-90 {x} {y})\">{}</g>\n", text(x, y, "middle", curve.unit));
    document(bottom + 58.0, curve.title, &content)
}

/// Where the points of a curve go.
struct Drawing {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// What stands at the top.
    most: f64,
    first: f64,
    last: f64,
    spread: bool,
}

impl Drawing {
    fn of(curve: &Curve) -> Self {
        let figures = curve.series.iter().flat_map(|series| &series.points).map(|(_, figure)| *figure);
        let required = curve.required.iter().map(|line| line.at);
        let mut drawn = Self {
            left: MARGIN,
            right: WIDTH - 30.0,
            top: TOP + 14.0,
            bottom: TOP + PLOT_HEIGHT,
            most: nice_ceiling(figures.chain(required).fold(0.0, f64::max)),
            first: 0.0,
            last: 1.0,
            spread: curve.spread,
        };
        drawn.last = curve.places().map(|at| drawn.place(at)).fold(f64::MIN_POSITIVE, f64::max);
        drawn.first = curve.places().map(|at| drawn.place(at)).fold(drawn.last, f64::min);
        drawn
    }

    /// Counts that grow many times over stand side by side.
    fn place(&self, at: f64) -> f64 {
        if self.spread { (1.0 + at).ln() } else { at }
    }

    fn x(&self, at: f64) -> f64 {
        let share = (self.place(at) - self.first) / (self.last - self.first).max(1e-9);
        self.left + 20.0 + share * (self.right - self.left - 40.0)
    }

    fn y(&self, figure: f64) -> f64 {
        self.bottom - figure / self.most * (self.bottom - self.top)
    }

    fn scale(&self) -> String {
        let mut content = String::new();
        for quarter in 0..=4 {
            let value = self.most * f64::from(quarter) / 4.0;
            let (left, right, y) = (self.left, self.right, self.y(value));
            let _ = writeln!(
                content,
                "<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{FAINT}\"/>"
            );
            content += &text(left - 8.0, y + 4.0, "end", &count(value));
        }
        content
    }

    fn line(&self, series: &Series, colour: &str, label: f64) -> String {
        let mut content = String::new();
        let points: Vec<_> =
            series.points.iter().map(|(at, figure)| format!("{:.1},{:.1}", self.x(*at), self.y(*figure))).collect();
        let _ = writeln!(
            content,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        for (at, figure) in &series.points {
            let (x, y) = (self.x(*at), self.y(*figure));
            let _ = writeln!(content, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
            content += &text(x, y + label, "middle", &number(*figure));
        }
        content
    }
}

/// A count as people read it.
fn count(value: f64) -> String {
    if value >= 1e6 {
        format!("{} million", number(value / 1e6).trim_end_matches(".00").trim_end_matches(".0"))
    } else if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        number(value)
    }
}

/// The next round number, with room above.
fn nice_ceiling(most: f64) -> f64 {
    let wanted = (most * 1.08).max(1e-9);
    let power = 10_f64.powf(wanted.log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|ceiling| *ceiling >= wanted).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::Line;

    #[test]
    fn bars_show_what_is_not_reached() {
        let mut results = Results::default();
        results.add(&[("single", 0.3), ("users", 0.04), ("latency_p50", 0.3), ("bare", 100_000.0)]);
        let svg = bars(&results);
        assert_eq!(svg.matches(GOOD).count(), 2, "{svg}");
        assert_eq!(svg.matches(BAD).count(), 1, "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn a_curve_has_its_points_and_what_is_required() {
        let series = |name, points| Series { name, points };
        let curve_of = Curve {
            key: "k",
            title: "a < b",
            over: "streams",
            unit: "MiB",
            spread: true,
            series: vec![
                series("p50", vec![(0.0, 10.0), (10.0, 20.0), (2_500_000.0, 15.0)]),
                series("p99", vec![(0.0, 12.0)]),
            ],
            required: Some(Line { name: "required", at: 30.0 }),
        };
        let svg = curve(&curve_of);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(svg.contains("a &lt; b") && svg.contains("2.50 million") && !svg.contains("NaN"), "{svg}");
        assert!(svg.contains("required: 30") && svg.contains("p99") && svg.contains("MiB"), "{svg}");
    }

    #[test]
    fn ceilings() {
        for (most, ceiling) in [(9.0, 10.0), (18.0, 20.0), (19.0, 24.0), (0.3, 0.4)] {
            assert!((nice_ceiling(most) - ceiling).abs() < 1e-9, "{most}");
        }
    }
}
