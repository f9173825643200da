//! What was received in all.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::events_api::span;

/// What was received in all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    events: BTreeMap<String, u64>,
    pub(super) errors: u64,
    pub(super) heartbeats: u64,
    /// Where to go on.
    pub(super) offset: Option<String>,
}

impl Summary {
    /// Of somebody who goes on after this offset.
    pub(super) fn from_offset(offset: Option<String>) -> Self {
        Self { offset, ..Self::default() }
    }

    /// Counts an event.
    pub(super) fn event(&mut self, event_type: &str) {
        *self.events.entry(event_type.to_owned()).or_default() += 1;
    }

    /// Its lines.
    pub(super) fn lines(&self, duration: Duration) -> Vec<String> {
        let mut lines = vec![
            "Disconnected. Summary:".to_owned(),
            format!("  Duration:         {}", span::shown(duration)),
            format!("  Events received:  {}", self.events.values().sum::<u64>()),
        ];
        if self.errors > 0 {
            lines.push(format!("  Errors:           {}", self.errors));
        }
        lines.push(format!("  Heartbeats:       {}", self.heartbeats));
        if !self.events.is_empty() {
            lines.push("  By type:".to_owned());
            let width = self.events.keys().map(String::len).max().unwrap_or_default();
            lines.extend(self.events.iter().map(|(name, count)| format!("    {name:width$}  {count}")));
        }
        if let Some(offset) = &self.offset {
            lines.push(format!("Resume with: headwater events subscribe --from {offset}"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_by_type_and_says_where_to_go_on() {
        let mut summary = Summary { heartbeats: 2, ..Summary::default() };
        assert_eq!(
            summary.lines(Duration::from_secs(7)),
            ["Disconnected. Summary:", "  Duration:         7s", "  Events received:  0", "  Heartbeats:       2"]
        );
        for name in ["user.updated", "user.created", "user.updated", "organization.created"] {
            summary.event(name);
        }
        (summary.errors, summary.offset) = (1, Some("AAE".into()));
        assert_eq!(
            summary.lines(Duration::from_secs(63)).join("\n"),
            "Disconnected. Summary:\n  Duration:         1m 3s\n  Events received:  4\n  Errors:           1\n  \
             Heartbeats:       2\n  By type:\n    organization.created  1\n    user.created          1\n    \
             user.updated          2\nResume with: headwater events subscribe --from AAE"
        );
    }
}
