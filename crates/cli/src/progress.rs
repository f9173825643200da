//! What moves while something takes its time, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(100);

/// A spinner or a bar on standard error. It is gone when it is dropped; without a terminal it never shows.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// Something of which nobody knows how long it takes.
    pub(crate) fn spinner(shown: bool, text: &str) -> Self {
        let progress = Self::of(ProgressBar::no_length(), shown, text, "{spinner} {msg}");
        progress.0.enable_steady_tick(TURN);
        progress
    }

    /// Something that has so many steps.
    pub(crate) fn bar(shown: bool, text: &str, steps: u64) -> Self {
        Self::of(ProgressBar::new(steps), shown, text, "{msg} [{bar:30}] {pos}/{len}")
    }

    fn of(bar: ProgressBar, shown: bool, text: &str, template: &str) -> Self {
        bar.set_draw_target(if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
        bar.set_style(ProgressStyle::with_template(template).expect("the template is well formed"));
        bar.set_message(text.to_owned());
        Self(bar)
    }

    /// One step more has been made.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// So many steps have been made.
    pub fn stand_at(&self, steps: u64) {
        self.0.set_position(steps);
    }

    /// Says something else.
    pub fn say(&self, text: &str) {
        self.0.set_message(text.to_owned());
    }

    /// Writes something while it is out of the way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
