//! Results, on standard output: tables and labels for people, JSON and CSV for programs.

mod csv;
mod table;

use std::io::Write;

use clap::Args;

use crate::document::Document;
use crate::exit::Failure;
use crate::json;
use crate::session::Session;

pub(crate) use table::{labels, table};

/// By how much `--json` is indented.
const JSON_INDENT: usize = 4;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// JSON, indented.
    Json,
    /// JSON on one line.
    JsonCompact,
    /// Comma-separated values, lists only.
    Csv,
}

/// In which format one thing is shown.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct SingleFormat {
    /// Shows it as JSON.
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Shows it as JSON on one line.
    #[arg(long, help_heading = "Output", conflicts_with = "json")]
    json_compact: bool,
}

/// In which format a list is shown.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct ListFormat {
    #[command(flatten)]
    single: SingleFormat,
    /// Shows it as CSV.
    #[arg(long, help_heading = "Output", conflicts_with_all = ["json", "json_compact"])]
    csv: bool,
}

impl SingleFormat {
    /// What was chosen; in agent mode it is JSON.
    pub(crate) fn format(self, session: &Session) -> Format {
        match self {
            Self { json_compact: true, .. } => Format::JsonCompact,
            Self { json: true, .. } => Format::Json,
            Self { .. } if session.is_agent_mode() => Format::Json,
            Self { .. } => Format::Text,
        }
    }
}

impl ListFormat {
    /// What was chosen; in agent mode it is JSON.
    pub(crate) fn format(self, session: &Session) -> Format {
        if self.csv { Format::Csv } else { self.single.format(session) }
    }
}

/// A list as it is shown.
#[derive(Debug)]
pub struct Listing<'a> {
    /// The heading, and what there is none of: `event streams`.
    pub resource: &'a str,
    /// What to do when there is none.
    pub hint: &'a str,
    /// The names of the columns.
    pub columns: &'a [&'a str],
    /// A row for each document.
    pub rows: Vec<Vec<String>>,
    /// What is shown as JSON.
    pub documents: &'a [Document],
}

impl Session {
    /// Shows a list, under its heading.
    ///
    /// # Errors
    /// If the connection's settings, which name the tenant, cannot be used.
    pub fn show_list(&self, format: Format, listing: &Listing<'_>) -> Result<(), Failure> {
        self.heading(format, listing.resource)?;
        match format {
            Format::Json | Format::JsonCompact => {
                self.write_json(format, &Document::list_text(listing.documents));
            }
            Format::Text | Format::Csv if listing.rows.is_empty() => {
                self.messages().warning(&format!("No {} available. {}", listing.resource, listing.hint));
            }
            Format::Csv => self.write(&csv::csv(listing.columns, &listing.rows)),
            Format::Text => self.write(&table(listing.columns, &listing.rows)),
        }
        Ok(())
    }

    /// Shows one thing, under a heading.
    ///
    /// # Errors
    /// As [`Session::show_list`].
    pub fn show_one(
        &self,
        format: Format,
        heading: &str,
        rows: &[(&str, String)],
        document: &Document,
    ) -> Result<(), Failure> {
        self.heading(format, heading)?;
        match format {
            Format::Json | Format::JsonCompact => self.write_json(format, document.text()),
            Format::Text | Format::Csv => self.write(&labels(rows)),
        }
        Ok(())
    }

    /// `=== TENANT TEXT`, except over JSON on one line.
    ///
    /// # Errors
    /// As [`Session::show_list`].
    pub fn heading(&self, format: Format, text: &str) -> Result<(), Failure> {
        if format != Format::JsonCompact {
            // What is kept here can be shown although no server is chosen.
            self.messages().heading(&self.tenant().unwrap_or_default(), text);
        }
        Ok(())
    }

    /// Writes a JSON text in one of the two forms.
    pub fn write_json(&self, format: Format, text: &str) {
        self.write_line(&json_shown(format, text));
    }

    /// Writes a line to standard output.
    pub fn write_line(&self, text: &str) {
        // Whoever reads may have had enough (`| head`): that is no failure of the command.
        let _ = self.write_line_if_read(text);
    }

    /// Writes a line to standard output; whether anybody reads it. For commands that do not end by themselves.
    pub(crate) fn write_line_if_read(&self, text: &str) -> bool {
        let mut output = std::io::stdout().lock();
        writeln!(output, "{text}").and_then(|()| output.flush()).is_ok()
    }

    /// As [`Session::write_json`]; whether anybody reads it.
    pub(crate) fn write_json_if_read(&self, format: Format, text: &str) -> bool {
        self.write_line_if_read(&json_shown(format, text))
    }

    /// Writes lines to standard output.
    pub(crate) fn write(&self, lines: &str) {
        self.write_line(lines.trim_end_matches('\n'));
    }
}

/// A JSON text in one of the two forms.
fn json_shown(format: Format, text: &str) -> String {
    let shown = match format {
        Format::JsonCompact => json::compact(text),
        Format::Json | Format::Text | Format::Csv => json::indent_by(text, JSON_INDENT),
    };
    shown.unwrap_or_else(|| text.to_owned())
}
