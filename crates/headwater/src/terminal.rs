//! Text for people on standard output: coloured on a terminal only.

use std::io::{IsTerminal, Write};

use crate::environment::Environment;
use crate::receiver::Received;

/// Standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    coloured: bool,
}

/// How a text stands out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Heading,
    Good,
    Warning,
    Bad,
    Quiet,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Heading => "1",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Quiet => "2",
        }
    }
}

impl Terminal {
    /// Standard output; `NO_COLOR` is respected.
    pub(crate) fn new(environment: &Environment) -> Self {
        Self { coloured: std::io::stdout().is_terminal() && environment.get("NO_COLOR").is_none() }
    }

    /// The text in a style, where there are colours.
    pub(crate) fn styled(self, style: Style, text: &str) -> String {
        if self.coloured { format!("\x1b[{}m{text}\x1b[0m", style.code()) } else { text.to_owned() }
    }

    /// Writes a line. Whoever reads may have had enough: that stops nothing here.
    #[expect(clippy::unused_self, reason = "only whoever holds the terminal writes")]
    pub(crate) fn line(self, text: &str) {
        let mut output = std::io::stdout().lock();
        let _ = writeln!(output, "{text}").and_then(|()| output.flush());
    }

    /// Writes a heading with an empty line before it.
    pub(crate) fn heading(self, text: &str) {
        self.line(&format!("\n{}", self.styled(Style::Heading, text)));
    }

    /// Writes lines with a margin.
    pub(crate) fn indented(self, text: &str) {
        for line in text.lines() {
            self.line(&format!("    {line}"));
        }
    }

    /// Writes a request that the receiver got, and what it answered.
    pub(crate) fn request(self, request: &Received) {
        self.indented(&self.styled(Style::Heading, &format!("{} {}", request.method, request.path)));
        for (name, value) in &request.headers {
            self.indented(&format!("{} {value}", self.styled(Style::Quiet, &format!("{name}:"))));
        }
        self.line("");
        self.indented(&cli::indent(&request.body).unwrap_or_else(|| request.body.clone()));
        let style = if request.answered < 300 { Style::Good } else { Style::Bad };
        self.indented(&self.styled(style, &format!("-> answered {}", request.answered)));
    }
}
