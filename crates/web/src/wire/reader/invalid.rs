//! What is wrong with a request, in the contract's words.

/// How much of a reason is told: it may repeat what a caller sent.
const REASON_CHARS_MAX: usize = 512;

/// Which part of a request is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The body.
    Payload,
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
}

/// What is wrong with a request, as the contract words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// Where to look.
    pub part: Part,
    message: String,
    reason: String,
    place: String,
}

impl Invalid {
    /// `reason` about the member at `place`; the root's place is empty.
    pub(crate) fn new(part: Part, reason: &str, place: &str, about: &str) -> Self {
        let subject = match part {
            Part::Payload => "Payload",
            Part::Path => "Path",
            Part::Query => "Query",
            Part::Header => "Header",
        };
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let mut message = format!("{subject} validation error: '{reason}");
        message.push('\'');
        if !place.is_empty() {
            message.push_str(" on property ");
            message.push_str(place);
            if !about.is_empty() {
                message.push_str(" (");
                message.push_str(about.trim_end_matches('.'));
                message.push(')');
            }
        }
        message.push('.');
        Self { part, message, reason, place: place.to_owned() }
    }

    /// What is wrong, without where.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Where; empty for the root.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The whole message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}
