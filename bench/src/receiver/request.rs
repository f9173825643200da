//! Reads one request after another from a connection: as much of HTTP/1.1 as the senders of a run speak.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncRead, AsyncReadExt};

const BUFFER_BYTES: usize = 16 * 1024;
/// The largest request: a control call with a million bits, or a batch that is posted by mistake.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The buffer of a connection.
pub(super) struct RequestReader {
    buffer: Vec<u8>,
    filled: usize,
    /// How much of the buffer the last request took.
    used: usize,
}

/// A request that was read whole.
pub(super) struct Request<'a> {
    bytes: &'a [u8],
    path: Range<usize>,
    body_at: usize,
}

impl Request<'_> {
    pub(super) fn path(&self) -> &[u8] {
        &self.bytes[self.path.clone()]
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }
}

struct Head {
    path: Range<usize>,
    bytes: usize,
    body_bytes: usize,
}

impl Default for RequestReader {
    fn default() -> Self {
        Self { buffer: vec![0; BUFFER_BYTES], filled: 0, used: 0 }
    }
}

impl RequestReader {
    /// The next request; `None` if the sender has closed the connection.
    pub(super) async fn next<S: AsyncRead + Unpin>(&mut self, socket: &mut S) -> io::Result<Option<Request<'_>>> {
        self.buffer.copy_within(self.used..self.filled, 0);
        self.filled -= self.used;
        self.used = 0;
        let mut head = None;
        loop {
            if head.is_none() {
                head = read_head(&self.buffer[..self.filled])?;
            }
            if let Some(Head { bytes, body_bytes, .. }) = head
                && self.filled >= bytes + body_bytes
            {
                break;
            }
            if self.filled == self.buffer.len() {
                if self.filled >= REQUEST_BYTES_MAX {
                    return Err(invalid("the request is too large"));
                }
                self.buffer.resize(2 * self.filled, 0);
            }
            let read = socket.read(&mut self.buffer[self.filled..]).await?;
            if read == 0 {
                return Ok(None);
            }
            self.filled += read;
        }
        Ok(head.map(|head| {
            self.used = head.bytes + head.body_bytes;
            Request { bytes: &self.buffer[..self.used], path: head.path, body_at: head.bytes }
        }))
    }
}

/// The head at the beginning of `bytes`; `None` if it is not complete.
fn read_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut path = None;
    let mut body_bytes = 0;
    let mut at = 0;
    while let Some(length) = bytes[at..].iter().position(|byte| *byte == b'\n') {
        let line = bytes[at..at + length].trim_ascii_end();
        if path.is_none() {
            path = Some(path_of(line)?);
        } else if line.is_empty() {
            return Ok(path.map(|path| Head { path, bytes: at + length + 1, body_bytes }));
        } else if let Some(value) = value_of(line, b"content-length") {
            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            body_bytes = number.ok_or_else(|| invalid("content-length is not a number"))?;
        } else if value_of(line, b"transfer-encoding").is_some() {
            return Err(invalid("bodies without a length are not taken"));
        }
        at += length + 1;
    }
    Ok(None)
}

fn path_of(line: &[u8]) -> io::Result<Range<usize>> {
    let begin = line.iter().position(|byte| *byte == b' ').map(|at| at + 1);
    let end = line.iter().rposition(|byte| *byte == b' ');
    match (begin, end) {
        (Some(begin), Some(end)) if begin < end => Ok(begin..end),
        _ => Err(invalid("the request line has no path")),
    }
}

/// The value of a header line with this name.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    found.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn requests(mut bytes: &[u8]) -> Vec<(String, String)> {
        let mut reader = RequestReader::default();
        let mut read = Vec::new();
        while let Some(request) = reader.next(&mut bytes).await.unwrap() {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            read.push((text(request.path()), text(request.body())));
        }
        read
    }

    #[tokio::test]
    async fn one_request_after_another() {
        let bytes = b"POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /count HTTP/1.1\r\n\r\n";
        let expected = [("/3".to_owned(), "hello".to_owned()), ("/count".to_owned(), String::new())];
        assert_eq!(requests(bytes).await, expected);
    }

    #[tokio::test]
    async fn a_body_larger_than_the_buffer() {
        let body = "x".repeat(3 * BUFFER_BYTES);
        let bytes = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        assert_eq!(requests(bytes.as_bytes()).await, [("/".to_owned(), body)]);
    }

    #[tokio::test]
    async fn a_chunked_body_is_an_error() {
        let mut bytes = &b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"[..];
        assert!(RequestReader::default().next(&mut bytes).await.is_err());
    }
}
