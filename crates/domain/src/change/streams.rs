//! Event streams.

use super::{Change, Expect, Versioned, Write};
use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::destination::Destination;
use crate::place::Resume;
use crate::stream::{EventStream, StreamOptions, StreamStatus};

/// What a caller wants changed of a stream; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct StreamPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new status.
    pub status: Option<StreamStatus>,
    /// The whole new list of subscriptions.
    pub subscriptions: Option<Vec<EventType>>,
    /// The whole new destination, of the same type as the stored one.
    pub destination: Option<Destination>,
    /// All of what the contract does not have.
    pub options: Option<StreamOptions>,
    /// Should this enable the stream: what it gets of what it has missed.
    pub resume: Resume,
}

/// The stream after `patch`; `None` if it has no effect.
pub fn stream_update(
    stored: &Versioned<EventStream>,
    patch: StreamPatch,
    now: Timestamp,
) -> Option<(EventStream, Change)> {
    let mut stream = stored.value.clone();
    stream.name = patch.name.or(stream.name);
    stream.status = patch.status.unwrap_or(stream.status);
    stream.subscriptions = patch.subscriptions.unwrap_or(stream.subscriptions);
    stream.destination = patch.destination.unwrap_or(stream.destination);
    stream.options = patch.options.unwrap_or(stream.options);
    if stream == stored.value {
        return None;
    }
    stream.updated_at = now;
    let enabled = (stored.value.status, stream.status) == (StreamStatus::Disabled, StreamStatus::Enabled);
    let new = Box::new(stream.clone());
    let write = match patch.resume {
        Resume::Position | Resume::Time(_) if enabled => Write::StreamResume(stored.revision, new, patch.resume),
        _ => Write::StreamPut(Expect::At(stored.revision), new),
    };
    Some((stream, write.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Revision;

    #[test]
    fn enabling_says_what_is_delivered_of_the_missed() {
        let stream = crate::subscription::tests::stream(StreamStatus::Disabled);
        let stored = Versioned { revision: Revision(3), value: stream };
        let update = |status, resume| {
            let patch = StreamPatch { status, resume, ..StreamPatch::default() };
            stream_update(&stored, patch, Timestamp::from_millis(5)).map(|(_, change)| change.writes)
        };
        let enabled = Some(StreamStatus::Enabled);
        assert!(matches!(update(enabled, Resume::Now).as_deref(), Some([Write::StreamPut(..)])));
        let resumed = update(enabled, Resume::Position);
        assert!(matches!(resumed.as_deref(), Some([Write::StreamResume(Revision(3), _, Resume::Position)])));
        assert_eq!(update(None, Resume::Position), None);
    }
}
