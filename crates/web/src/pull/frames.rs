//! The frames of the Events API, as they go over the wire (management-api.md 4).

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use domain::clock::Entropy;
use domain::event::{LoggedEvent, Seq, body_for_stream, stream_suffix, type_name};
use domain::ids::{StreamId, TenantId};
use serde::Serialize;

use store::Offsets;

/// The first frames: connected, and after how many milliseconds to connect again.
const GREETING: &str = ":connected\n\nretry: 2000\n\n";
/// What a frame of an event has besides names and body, about.
const FRAME_BYTES_MORE: usize = 160;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has lasted as long as one may, or the server stops.
    Cycled,
    /// The token's life is over.
    TokenExpired,
    /// The log has forgotten what would have been next.
    Forgotten,
    /// The log cannot be read.
    Failed,
}

impl Ending {
    const fn code(self) -> &'static str {
        match self {
            Self::Cycled | Self::TokenExpired => "connection_timeout",
            Self::Forgotten => "cursor_expired",
            Self::Failed => "processing_error",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Cycled => "The connection is closed by the server. Reconnect to continue.",
            Self::TokenExpired => "The access token has expired. Reconnect with a new one to continue.",
            Self::Forgotten => "Cursor points to data no longer available in the stream.",
            Self::Failed => "The events cannot be read at the moment. Reconnect to continue.",
        }
    }

    /// Whether to go on from the last offset is of any use.
    const fn can_go_on(self) -> bool {
        !matches!(self, Self::Forgotten)
    }
}

#[derive(Serialize)]
struct ErrorData<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

/// Writes the frames of one tenant's readers.
pub(super) struct Frames {
    offsets: Arc<Offsets>,
    entropy: Arc<dyn Entropy>,
    suffix: Bytes,
}

impl Frames {
    pub(super) fn new(tenant: TenantId, offsets: Arc<Offsets>, entropy: Arc<dyn Entropy>) -> Self {
        Self { offsets, entropy, suffix: stream_suffix(StreamId::of_events_api(tenant)) }
    }

    /// What everybody is told first; `position` too, where the reader cannot know it.
    pub(super) fn greeting(&self, position: Option<Seq>) -> Bytes {
        let mut text = GREETING.to_owned();
        if let Some(position) = position {
            text.push_str(&self.offset_only(position));
        }
        text.into()
    }

    /// An event after another. The offset of each is where to go on after it.
    pub(super) fn events<'a>(&self, events: impl Iterator<Item = &'a LoggedEvent> + Clone) -> Bytes {
        let bytes = events.clone().map(|logged| logged.event.body.len() + FRAME_BYTES_MORE + self.suffix.len()).sum();
        let mut frames = BytesMut::with_capacity(bytes);
        for logged in events {
            let name = type_name(logged.event.event_type, &logged.event.body);
            let offset = self.offsets.after_event(logged.seq);
            for part in ["event: ", name, "\nid: ", &offset, "\ndata: {\"offset\":\"", &offset, "\",\"event\":"] {
                frames.put_slice(part.as_bytes());
            }
            let body_begins = frames.len();
            for part in body_for_stream(&logged.event.body, &self.suffix) {
                frames.put_slice(&part);
            }
            on_one_line(&mut frames[body_begins..]);
            frames.put_slice(b"}\n\n");
        }
        frames.freeze()
    }

    /// That everything below `position` has been looked at, and that the server is there.
    pub(super) fn heartbeat(&self, position: Seq) -> Bytes {
        format!("{}: heartbeat\n\n", self.offset_only(position)).into()
    }

    /// The last frame.
    pub(super) fn end(&self, ending: Ending, position: Seq) -> Bytes {
        let offset = ending.can_go_on().then(|| self.place(position));
        let data = ErrorData { error: ErrorBody { code: ending.code(), message: ending.message(), offset } };
        let data = serde_json::to_string(&data).expect("plain texts can be written as JSON");
        format!("event: error\ndata: {data}\n\n").into()
    }

    fn offset_only(&self, position: Seq) -> String {
        let offset = self.place(position);
        format!("event: offset-only\nid: {offset}\ndata: {{\"offset\":\"{offset}\"}}\n\n")
    }

    fn place(&self, position: Seq) -> String {
        self.offsets.of_place(position, &*self.entropy)
    }
}

/// A producer may have written its JSON over several lines. Between its tokens, which is the only place where JSON
/// has line ends, a space says the same.
fn on_one_line(body: &mut [u8]) {
    for byte in body.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
}

#[cfg(test)]
mod tests {
    use domain::catalog::EventType;
    use domain::clock::Timestamp;
    use domain::event::{Event, Subject};
    use domain::ids::EventId;

    use super::*;

    const TENANT: TenantId = TenantId(1);

    /// Always the same bytes, so that a place always looks the same.
    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn offsets() -> Arc<Offsets> {
        Arc::new(Offsets::new(&[7; store::DERIVED_KEY_BYTES]))
    }

    fn frames() -> Frames {
        Frames::new(TENANT, offsets(), Arc::new(Zeros))
    }

    fn text(frames: &Bytes) -> &str {
        std::str::from_utf8(frames).unwrap()
    }

    fn logged(seq: u64, body: &'static str) -> LoggedEvent {
        let event = Event {
            id: EventId::from_number(seq.into()),
            event_type: EventType::UserCreated,
            subject: Subject::new("user", "1"),
            time: Timestamp::from_millis(0),
            body: Bytes::from_static(body.as_bytes()),
        };
        LoggedEvent { seq: Seq(seq), tenant: TENANT, only_stream: None, event }
    }

    #[test]
    fn events_are_written_as_documented_each_on_one_line() {
        let events = [logged(4, "{\"n\":1}"), logged(9, "{\n\t\"n\": 2,\r\n\"s\": \"\\n\"\n}")];
        let (stream, offsets) = (StreamId::of_events_api(TENANT), offsets());
        let (first, second) = (offsets.after_event(Seq(4)), offsets.after_event(Seq(9)));
        let expected = format!(
            "event: user.created\nid: {first}\n\
             data: {{\"offset\":\"{first}\",\"event\":{{\"n\":1,\"a0stream\":\"{stream}\"}}}}\n\n\
             event: user.created\nid: {second}\n\
             data: {{\"offset\":\"{second}\",\"event\":{{ \t\"n\": 2,  \"s\": \"\\n\" ,\"a0stream\":\"{stream}\"}}}}\n\n"
        );
        assert_eq!(text(&frames().events(events.iter())), expected);
    }

    #[test]
    fn the_other_frames_are_written_as_documented() {
        let (frames, offset) = (frames(), offsets().of_place(Seq(7), &Zeros));
        let offset_only = format!("event: offset-only\nid: {offset}\ndata: {{\"offset\":\"{offset}\"}}\n\n");
        assert_eq!(text(&frames.greeting(None)), ":connected\n\nretry: 2000\n\n");
        assert_eq!(text(&frames.greeting(Some(Seq(7)))), format!(":connected\n\nretry: 2000\n\n{offset_only}"));
        assert_eq!(text(&frames.heartbeat(Seq(7))), format!("{offset_only}: heartbeat\n\n"));
        assert_eq!(
            text(&frames.end(Ending::Cycled, Seq(7))),
            format!(
                "event: error\ndata: {{\"error\":{{\"code\":\"connection_timeout\",\"message\":\"The connection is \
                 closed by the server. Reconnect to continue.\",\"offset\":\"{offset}\"}}}}\n\n"
            )
        );
        assert_eq!(
            text(&frames.end(Ending::Forgotten, Seq(7))),
            "event: error\ndata: {\"error\":{\"code\":\"cursor_expired\",\"message\":\"Cursor points to data no longer \
             available in the stream.\"}}\n\n"
        );
    }
}
