//! What is said beside the results, on standard error.

use std::io::Write;

use crate::exit::Failure;
use crate::palette::{Palette, Style};

/// What begins a line that is said.
const ARROW: &str = " ▸    ";

/// Standard error.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    palette: Palette,
}

impl Messages {
    pub(crate) const fn new(palette: Palette) -> Self {
        Self { palette }
    }

    /// How texts stand out here.
    pub const fn palette(self) -> Palette {
        self.palette
    }

    /// `=== TENANT TEXT`, with an empty line before and after it.
    pub fn heading(self, tenant: &str, text: &str) {
        let title = if tenant.is_empty() { text.to_owned() } else { format!("{tenant} {text}") };
        self.line(&format!("\n{} {title}\n", self.palette.paint(Style::Heading, "===")));
    }

    /// Something that is good to know.
    pub fn info(self, text: &str) {
        self.line(&format!("{}{text}", self.palette.paint(Style::Good, ARROW)));
    }

    /// Something to look after.
    pub fn warning(self, text: &str) {
        self.line(&format!("{}{text}", self.palette.paint(Style::Warning, ARROW)));
    }

    /// What went wrong, and what to do next.
    pub fn failure(self, failure: &Failure) {
        if !failure.message().is_empty() {
            self.line(&format!("{} {}", self.palette.paint(Style::Bad, "error:"), failure.message()));
        }
        if let Some(hint) = failure.next_step() {
            self.line(&format!("{} {hint}", self.palette.paint(Style::Warning, "hint:")));
        }
    }

    /// A line as it is.
    pub fn line(self, text: &str) {
        // Whoever reads may have had enough: that is no failure of the command.
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
