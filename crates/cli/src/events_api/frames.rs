//! Server-Sent Events, taken apart as their bytes come.

use std::collections::VecDeque;
use std::time::Duration;

/// The largest frame that is taken; the largest event is far smaller.
pub(super) const FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A message: its event, its id and its data.
    Message { event: String, id: Option<String>, data: String },
    /// How long to wait at least before connecting again.
    Retry(Duration),
    /// A comment: that somebody is there.
    Comment,
}

/// A frame that has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of more than {FRAME_BYTES_MAX} bytes")]
pub(super) struct FrameTooLarge;

/// What has come of the frame that is not whole yet.
#[derive(Default)]
pub(super) struct FrameReader {
    line: Vec<u8>,
    event: String,
    id: Option<String>,
    data: Option<String>,
    /// Lines end with LF, CR or both; the LF of both may come with the next bytes.
    after_carriage_return: bool,
    begun: bool,
}

impl FrameReader {
    /// Takes what has come, and adds the frames that are whole with it.
    ///
    /// # Errors
    /// [`FrameTooLarge`]: nothing more can be read after it.
    pub(super) fn take(&mut self, mut bytes: &[u8], frames: &mut VecDeque<Frame>) -> Result<(), FrameTooLarge> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_carriage_return) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            let held = self.line.len() + self.data.as_ref().map_or(0, String::len);
            if held + part.len() > FRAME_BYTES_MAX {
                return Err(FrameTooLarge);
            }
            self.line.extend_from_slice(part);
            bytes = rest;
            if let Some((line_end, rest)) = rest.split_first() {
                self.after_carriage_return = *line_end == b'\r';
                bytes = rest;
                let line = std::mem::take(&mut self.line);
                frames.extend(self.line_taken(&line));
            }
        }
        Ok(())
    }

    fn line_taken(&mut self, line: &[u8]) -> Option<Frame> {
        let line = if self.begun { line } else { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) };
        self.begun = true;
        if line.is_empty() {
            return self.message();
        }
        let text = String::from_utf8_lossy(line);
        let (field, value) = text.split_once(':').unwrap_or((&text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => return Some(Frame::Comment),
            "event" => value.clone_into(&mut self.event),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" => return value.parse().ok().map(|millis| Frame::Retry(Duration::from_millis(millis))),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            _ => {}
        }
        None
    }

    /// An empty line ends a message, unless it has no data.
    fn message(&mut self) -> Option<Frame> {
        let (event, id) = (std::mem::take(&mut self.event), self.id.take());
        self.data.take().map(|data| Frame::Message { event, id, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(event: &str, id: Option<&str>, data: &str) -> Frame {
        Frame::Message { event: event.into(), id: id.map(Into::into), data: data.into() }
    }

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let (mut reader, mut frames) = (FrameReader::default(), VecDeque::new());
        for piece in pieces {
            reader.take(piece, &mut frames).unwrap();
        }
        frames.into()
    }

    const RECORDED: &str = ":connected\n\nretry: 2000\n\nevent: user.created\nid: AAE\ndata: {\"offset\":\"AAE\"}\n\n: heartbeat\n\nevent: error\ndata: {}\n\nevent: half";

    fn expected() -> Vec<Frame> {
        vec![
            Frame::Comment,
            Frame::Retry(Duration::from_secs(2)),
            message("user.created", Some("AAE"), "{\"offset\":\"AAE\"}"),
            Frame::Comment,
            message("error", None, "{}"),
        ]
    }

    #[test]
    fn frames_are_the_same_wherever_the_bytes_are_cut() {
        for line_end in ["\n", "\r\n", "\r"] {
            let text = RECORDED.replace('\n', line_end).into_bytes();
            assert_eq!(frames(&[&text]), expected());
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(frames(&bytes), expected(), "{line_end:?}");
            for at in 0..text.len() {
                let (first, second) = text.split_at(at);
                assert_eq!(frames(&[first, second]), expected(), "{line_end:?} {at}");
            }
        }
    }

    #[test]
    fn fields_are_read_as_the_standard_says() {
        assert_eq!(frames(&[b"\xef\xbb\xbfdata:a\ndata: b\ndata\n\n"]), [message("", None, "a\nb\n")]);
        assert_eq!(frames(&[b"event: x\nid: 1\n\ndata: y\n\n"]), [message("", None, "y")], "no data, no message");
        assert_eq!(frames(&[b"retry: soon\nother: 1\nid: a\0b\ndata:\n\n"]), [message("", None, "")]);
    }

    #[test]
    fn a_frame_without_an_end_is_given_up() {
        let (mut reader, mut frames) = (FrameReader::default(), VecDeque::new());
        let piece = vec![b'x'; FRAME_BYTES_MAX / 2];
        assert_eq!(reader.take(&piece, &mut frames), Ok(()));
        assert_eq!(reader.take(&piece, &mut frames), Ok(()));
        assert_eq!(reader.take(b"x", &mut frames), Err(FrameTooLarge));
        let mut reader = FrameReader::default();
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        assert_eq!(reader.take(&line, &mut frames), Ok(()));
        assert_eq!(reader.take(&line, &mut frames), Err(FrameTooLarge), "many lines are one frame");
    }
}
