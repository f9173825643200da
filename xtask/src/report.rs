//! What ran, how long it took, and what did not run and why.

use std::time::Duration;

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Verdict {
    Passed(String),
    Failed(String),
    Skipped(String),
}

/// A step that has ended.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) step: &'static str,
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
}

/// The lines of a run, in order.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) lines: Vec<Line>,
}

impl Report {
    /// How many passed, failed and were skipped.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: fn(&Verdict) -> bool| self.lines.iter().filter(|line| wanted(&line.verdict)).count();
        (
            count(|verdict| matches!(verdict, Verdict::Passed(_))),
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            count(|verdict| matches!(verdict, Verdict::Skipped(_))),
        )
    }

    /// Whether nothing failed.
    pub(crate) fn good(&self) -> bool {
        self.counts().1 == 0
    }

    /// The table and the line that sums it up.
    pub(crate) fn render(&self) -> String {
        let mut text = String::from("\n-- summary ------------------------------------------------------------\n");
        for line in &self.lines {
            let (word, note) = match &line.verdict {
                Verdict::Passed(note) => ("passed", note),
                Verdict::Failed(note) => ("FAILED", note),
                Verdict::Skipped(note) => ("skipped", note),
            };
            // The step has printed all of it already.
            let note = note.lines().next().unwrap_or_default();
            let row = format!("{:<14} {:<8} {:>7.1} s  {note}", line.step, word, line.took.as_secs_f64());
            text.push_str(row.trim_end());
            text.push('\n');
        }
        let (passed, failed, skipped) = self.counts();
        text.push_str(&format!("xtask: {passed} passed, {failed} failed, {skipped} skipped"));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(verdict: Verdict) -> Line {
        Line { step: "walls", took: Duration::from_millis(1500), verdict }
    }

    #[test]
    fn one_failure_spoils_the_run_and_skipped_steps_say_why() {
        let mut report = Report { lines: vec![line(Verdict::Passed(String::new()))] };
        report.lines.push(line(Verdict::Skipped("no node".into())));
        assert!(report.good());
        report.lines.push(line(Verdict::Failed("exit status 1".into())));
        assert!(!report.good());
        let text = report.render();
        assert!(text.contains("no node"));
        assert!(text.ends_with("xtask: 1 passed, 1 failed, 1 skipped"));
    }
}
