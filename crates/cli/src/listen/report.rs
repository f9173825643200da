//! What is shown of forwarding: a line for each attempt, and what came of it all.

use std::time::Duration;

use serde_json::json;

use super::delivering::{Follows, Made, attempts_max};
use crate::events_api::{style_of, time_of_day};
use crate::output::Format;
use crate::palette::Style;
use crate::session::Session;

/// The width of the column of types.
const TYPE: usize = 32;
/// Failed events that are named in the end: the last ones.
const FAILED_NAMED_MAX: usize = 100;

/// What is shown of forwarding.
pub(super) struct Report<'a> {
    session: &'a Session,
    format: Format,
    forward_to: String,
    delivered: u64,
    failed: u64,
    failed_ids: Vec<String>,
}

impl<'a> Report<'a> {
    pub(super) fn new(session: &'a Session, format: Format, forward_to: &str) -> Self {
        let forward_to = forward_to.to_owned();
        Self { session, format, forward_to, delivered: 0, failed: 0, failed_ids: Vec::new() }
    }

    /// Where events are forwarded to.
    pub(super) fn target(&self) -> &str {
        &self.forward_to
    }

    /// How many events have failed.
    pub(super) const fn failed(&self) -> u64 {
        self.failed
    }

    /// Something that is good to know meanwhile.
    pub(super) fn note(&self, text: &str) {
        let messages = self.session.messages();
        messages.line(&messages.palette().paint(Style::Quiet, &format!("· {text}")));
    }

    /// Shows an attempt, and counts what came of it.
    pub(super) fn made(&mut self, made: &Made) {
        match made.follows {
            Follows::Another(_) => {}
            Follows::Delivered => self.delivered += 1,
            Follows::Failed => {
                self.failed += 1;
                if self.failed_ids.len() == FAILED_NAMED_MAX {
                    self.failed_ids.remove(0);
                }
                self.failed_ids.push(made.event.id.clone());
            }
        }
        match self.format {
            Format::Text | Format::Csv => self.session.write_line(&self.line(made)),
            Format::Json | Format::JsonCompact => self.session.write_json(self.format, &document(made)),
        }
    }

    fn line(&self, made: &Made) -> String {
        let palette = self.session.palette();
        let event = &made.event;
        let padded = format!("{:TYPE$}", event.event_type);
        let name = style_of(&event.event_type).map_or_else(|| padded.clone(), |style| palette.paint(style, &padded));
        let style = match made.follows {
            Follows::Delivered => Style::Good,
            Follows::Another(_) => Style::Warning,
            Follows::Failed => Style::Bad,
        };
        let status = made.attempt.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
        let duration = format!("{}ms", made.attempt.duration.as_millis());
        let more = trouble(made).map(|text| format!("  {text}")).unwrap_or_default();
        let time = time_of_day(self.session);
        format!("{time}  {name}  {}  {}  {duration:>6}{more}", event.id, palette.paint(style, &status))
    }

    /// What came of it all. `open` events were not dealt with.
    pub(super) fn summary(&self, duration: Duration, open: usize) {
        let messages = self.session.messages();
        let spans = crate::events_api::span::shown(duration);
        let open = if open == 0 { String::new() } else { format!(", {open} not yet") };
        messages.line(&format!("\nForwarded {} events in {spans}, {} failed{open}.", self.delivered, self.failed));
        self.name_failed();
    }

    /// Says how to forward what has failed once more.
    pub(super) fn name_failed(&self) {
        if self.failed_ids.is_empty() {
            return;
        }
        let (target, ids) = (&self.forward_to, self.failed_ids.join(","));
        self.session
            .messages()
            .line(&format!("Forward what has failed again: headwater listen --forward-to {target} --event {ids}"));
    }
}

/// What went wrong, and what comes of it.
fn trouble(made: &Made) -> Option<String> {
    let failure = made.attempt.failure.as_ref()?;
    let answer = failure.answer.as_ref().map(|answer| format!(": {answer}")).unwrap_or_default();
    let what = format!("{}{answer}", failure.message);
    Some(match made.follows {
        Follows::Another(wait) => {
            let all = attempts_max();
            format!("{what} (attempt {} of {all}, again in {}s)", made.number, wait.as_secs_f32())
        }
        _ if made.number == 1 => format!("{what} (failed: trying again would not help)"),
        _ => format!("{what} (failed after {} attempts)", made.number),
    })
}

fn document(made: &Made) -> String {
    let outcome = match made.follows {
        Follows::Delivered => "delivered",
        Follows::Another(_) => "retrying",
        Follows::Failed => "failed",
    };
    let mut document = json!({
        "type": made.event.event_type,
        "id": made.event.id,
        "offset": made.event.offset,
        "attempt": made.number,
        "status": made.attempt.status,
        "duration_ms": u64::try_from(made.attempt.duration.as_millis()).unwrap_or(u64::MAX),
        "outcome": outcome,
    });
    if let Some(failure) = &made.attempt.failure {
        document["error"] = json!(failure.message);
    }
    if let Follows::Another(wait) = made.follows {
        document["again_in_s"] = json!(wait.as_secs_f32());
    }
    document.to_string()
}
