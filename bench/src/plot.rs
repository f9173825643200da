//! Plots as SVG: bars of what is required and reached, and curves of what grows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::figures::{FIGURES, Requirement, Results};
use crate::growth::Curve;
use crate::report::number;

const WIDTH: f64 = 720.0;
const LABELS: f64 = 330.0;
const BAR: f64 = 18.0;
const STEP: f64 = 30.0;
const TOP: f64 = 50.0;
const PLOT_HEIGHT: f64 = 300.0;
const MARGIN: f64 = 70.0;
/// Bars are drawn up to so many times what is required.
const TIMES_MAX: f64 = 4.0;
const GOOD: &str = "#2e7d5b";
const BAD: &str = "#b5472f";
const INK: &str = "#333333";
const FAINT: &str = "#dddddd";

/// Writes every plot into `folder`; answers their names.
pub(crate) fn write_all(folder: &Path, results: &Results, curves: &[Curve]) -> Result<Vec<String>> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut plots = vec![("requirements".to_owned(), bars(results))];
    plots.extend(curves.iter().map(|each| (format!("growth-{}", each.key), curve(each))));
    let mut names = Vec::new();
    for (name, svg) in plots {
        let path = folder.join(format!("{name}.svg"));
        fs::write(&path, svg).with_context(|| format!("{} cannot be written", path.display()))?;
        names.push(format!("{name}.svg"));
    }
    Ok(names)
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
    let (left, right, bottom) = (MARGIN, WIDTH - 30.0, TOP + PLOT_HEIGHT);
    let top_value = nice_ceiling(curve.points.iter().map(|(_, figure)| *figure).fold(0.0, f64::max));
    // Counts that grow tenfold stand side by side.
    let place = |at: f64| (1.0 + at).ln();
    let last = curve.points.iter().map(|(at, _)| place(*at)).fold(f64::MIN_POSITIVE, f64::max);
    let first = curve.points.iter().map(|(at, _)| place(*at)).fold(last, f64::min);
    let x = |at: f64| left + (place(at) - first) / (last - first).max(1e-9) * (right - left);
    let y = |figure: f64| bottom - figure / top_value * PLOT_HEIGHT;
    let mut content = String::new();
    for quarter in 0..=4 {
        let value = top_value * f64::from(quarter) / 4.0;
        let at = y(value);
        let _ =
            writeln!(content, "<line x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"{FAINT}\"/>");
        content += &text(left - 8.0, at + 4.0, "end", &number(value));
    }
    let points: Vec<_> = curve.points.iter().map(|(at, figure)| format!("{:.1},{:.1}", x(*at), y(*figure))).collect();
    let _ = writeln!(
        content,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{GOOD}\" stroke-width=\"2\"/>",
        points.join(" ")
    );
    for (at, figure) in &curve.points {
        let _ = writeln!(content, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\" fill=\"{GOOD}\"/>", x(*at), y(*figure));
        content += &text(x(*at), y(*figure) - 9.0, "middle", &number(*figure));
        content += &text(x(*at), bottom + 18.0, "middle", &format!("{at:.0}"));
    }
    content += &text(f64::midpoint(left, right), bottom + 40.0, "middle", curve.over);
    document(bottom + 56.0, &format!("{}: {}", curve.title, curve.unit), &content)
}

/// The next number that begins with 1, 2 or 5 and ends with zeros, with room above.
fn nice_ceiling(most: f64) -> f64 {
    let wanted = (most * 1.08).max(1e-9);
    let power = 10_f64.powf(wanted.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|ceiling| *ceiling >= wanted).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_curve_has_its_points() {
        let points = vec![(0.0, 10.0), (10.0, 20.0), (100.0, 15.0)];
        let svg = curve(&Curve { key: "k", title: "a < b", over: "streams", unit: "MiB", points });
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("a &lt; b: MiB") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn ceilings() {
        for (most, ceiling) in [(9.0, 10.0), (18.0, 20.0), (19.0, 50.0), (0.3, 0.5)] {
            assert!((nice_ceiling(most) - ceiling).abs() < 1e-9, "{most}");
        }
    }
}
