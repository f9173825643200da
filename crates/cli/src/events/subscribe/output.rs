//! How messages are shown: a line each for people, JSON for programs, and JSON lines in a file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{STILL_LISTENING, SubscribeCommand, Summary};
use crate::events_api::{StreamedEvent, short, style_of, time_of_day};
use crate::exit::Failure;
use crate::json;
use crate::output::Format;
use crate::palette::Style;
use crate::session::Session;

/// The width of the columns of types and sources.
const COLUMN: usize = 32;
/// By how much an event is indented below its line.
const INDENT: &str = "    ";

/// Where messages are shown.
pub(super) struct Output<'a> {
    session: &'a Session,
    format: Format,
    verbose: bool,
    show_heartbeats: bool,
    file: Option<(PathBuf, File)>,
    summary: Summary,
    started: Duration,
    last_sign_of_life: Duration,
    was_connected: bool,
    is_read: bool,
}

impl<'a> Output<'a> {
    /// Opens the file, where one is given.
    pub(super) fn open(session: &'a Session, command: &SubscribeCommand) -> Result<Self, Failure> {
        let open = |path: &PathBuf| -> Result<(PathBuf, File), Failure> {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file = file.map_err(|error| Failure::refused(format!("--output-file {}: {error}", path.display())))?;
            Ok((path.clone(), file))
        };
        let now = session.surroundings().clock.now().steady;
        Ok(Self {
            session,
            format: command.format.format(session),
            verbose: command.verbose,
            show_heartbeats: command.show_heartbeats,
            file: command.output_file.as_ref().map(open).transpose()?,
            summary: Summary::from_offset(command.from.clone()),
            started: now,
            last_sign_of_life: now,
            was_connected: false,
            is_read: true,
        })
    }

    /// Whether anybody still reads what is written: `subscribe | head -3` has had enough after three lines.
    pub(super) const fn is_read(&self) -> bool {
        self.is_read
    }

    pub(super) fn connected(&mut self) {
        if !std::mem::replace(&mut self.was_connected, true) && self.format == Format::Text {
            self.session.messages().line("Subscribed to event stream. Press Ctrl+C to disconnect.");
        }
    }

    pub(super) fn event(&mut self, event: &StreamedEvent) {
        self.summary.event(&event.event_type);
        self.summary.offset = Some(event.offset.clone());
        self.last_sign_of_life = self.now();
        let StreamedEvent { offset, event_type, id, source, body, .. } = event;
        let message = format!(r#"{{"type":{},"offset":{},"event":{body}}}"#, json!(event_type), json!(offset));
        if self.format == Format::Text {
            let padded = format!("{event_type:COLUMN$}");
            let name = match style_of(event_type) {
                Some(style) => self.session.palette().paint(style, &padded),
                None => padded,
            };
            self.line(&format!("{}  {name}  {source:COLUMN$}  {id}", time_of_day(self.session)));
            if self.verbose {
                let shown = json::indent(&message).unwrap_or_else(|| message.clone());
                self.line(&shown.lines().map(|line| format!("{INDENT}{line}")).collect::<Vec<_>>().join("\n"));
            }
        }
        self.message(&message);
    }

    pub(super) fn heartbeat(&mut self, offset: String) {
        self.summary.heartbeats += 1;
        let now = self.now();
        if self.show_heartbeats {
            if self.format == Format::Text {
                let text = format!("{}  heartbeat  {}", time_of_day(self.session), short(&offset));
                self.line(&self.session.palette().paint(Style::Quiet, &text));
            }
            self.message(&json!({"type": "offset-only", "offset": offset}).to_string());
        } else if self.format == Format::Text && now.saturating_sub(self.last_sign_of_life) >= STILL_LISTENING {
            self.last_sign_of_life = now;
            let text = format!("· still listening (cursor {offset})");
            self.session.messages().line(&self.session.messages().palette().paint(Style::Quiet, &text));
        }
        self.summary.offset = Some(offset);
    }

    pub(super) fn problem(&mut self, code: &str, message: &str) {
        self.summary.errors += 1;
        if self.format == Format::Text {
            let error = self.session.palette().paint(Style::Bad, "error");
            self.line(&format!("{}  {error}  {code}  {message}", time_of_day(self.session)));
        }
        self.message(&json!({"type": "error", "error": {"code": code, "message": message}}).to_string());
    }

    /// Says what was received in all, if it was anything at all, or well.
    pub(super) fn summary(&self, ended_well: bool) {
        if !ended_well && !self.was_connected {
            return;
        }
        let lines = self.summary.lines(self.now().saturating_sub(self.started));
        self.session.messages().line(&format!("\n{}", lines.join("\n")));
    }

    fn now(&self) -> Duration {
        self.session.surroundings().clock.now().steady
    }

    fn line(&mut self, text: &str) {
        self.is_read &= self.session.write_line_if_read(text);
    }

    /// A message as JSON, to wherever it belongs.
    fn message(&mut self, message: &str) {
        if matches!(self.format, Format::Json | Format::JsonCompact) {
            self.is_read &= self.session.write_json_if_read(self.format, message);
        }
        if let Some((path, file)) = &mut self.file {
            let line = json::compact(message).unwrap_or_else(|| message.to_owned());
            if let Err(error) = writeln!(file, "{line}") {
                self.session.messages().warning(&format!("{}: {error}; no more is written to it", path.display()));
                self.file = None;
            }
        }
    }
}
