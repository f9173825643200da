//! What the server and the process that runs an action say to each other: JSON, with its length before it.

use std::io::{self, Read, Write};

use domain::delivery::ConsoleLine;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The longest frame that a process takes: code, event and answers are well below it.
pub(super) const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The bytes of a frame's length.
pub(super) const LENGTH_BYTES: usize = 4;

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a frame has {0} bytes, more than may be")]
    TooLong(usize),
    #[error("a frame is not what was expected: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What the server says.
#[derive(Serialize, Deserialize)]
pub(super) enum ToProcess {
    /// Run this. Said to a process that does nothing.
    Run(Box<Order>),
    /// The answer to what was asked.
    Answer { id: u64, answer: Answer },
}

/// What the process says.
#[derive(Serialize, Deserialize)]
pub(super) enum FromProcess {
    /// A line of the console.
    Wrote(ConsoleLine),
    /// Something that only the server can do.
    Asks { id: u64, ask: Ask },
    /// How the run has ended.
    Ended(Ending),
    /// Everything of the last run is gone: the next may come.
    Ready,
}

/// A run.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) code: String,
    pub(super) secrets: Vec<(String, String)>,
    /// The CloudEvent; without one the code is only loaded.
    pub(super) message: Option<String>,
    pub(super) limits: RunLimits,
}

/// What a run may use.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct RunLimits {
    pub(super) time_ms: u64,
    pub(super) memory_bytes: usize,
    pub(super) console_bytes: usize,
    pub(super) requests: u32,
    pub(super) request_bytes: usize,
}

/// What the process asks for.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    Fetch(Fetch),
    Cache(CacheAsk),
}

/// A request to be sent.
#[derive(Serialize, Deserialize)]
pub(super) struct Fetch {
    pub(super) head: FetchHead,
    /// Base64.
    pub(super) body: Option<String>,
}

/// All of a request but its body.
#[derive(Serialize, Deserialize)]
pub(super) struct FetchHead {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) redirect: Redirect,
}

/// What becomes of a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Redirect {
    Follow,
    Manual,
    Error,
}

/// What is asked of the cache.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CacheAsk {
    Get { key: String },
    Set { key: String, value: String, ttl_ms: Option<u64> },
    Delete { key: String },
}

/// What the server answers.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Fetched {
        head: AnswerHead,
        /// Base64.
        body: String,
    },
    /// Why there is no answer.
    Refused(String),
    /// The cache's, as the action sees it.
    Cached(serde_json::Value),
}

/// All of an answer but its body.
#[derive(Serialize, Deserialize)]
pub(super) struct AnswerHead {
    pub(super) status: u16,
    #[serde(rename = "statusText")]
    pub(super) status_text: String,
    pub(super) headers: Vec<(String, String)>,
    /// Where the answer came from in the end.
    pub(super) url: String,
    pub(super) redirected: bool,
}

/// How a run has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ending {
    /// It came to its end.
    Finished,
    /// The action said so, with its reason.
    GaveUp(String),
    /// It threw, or left a rejection to nobody.
    Threw(String),
    /// It waited for what cannot come.
    Stuck,
    /// It took too long.
    OutOfTime,
    /// The code cannot be loaded or does not export what is called.
    Unusable(String),
}

/// A message as it is sent.
pub(super) fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - LENGTH_BYTES;
    let head = u32::try_from(length).ok().filter(|_| length <= FRAME_BYTES_MAX).ok_or(FrameError::TooLong(length))?;
    frame[..LENGTH_BYTES].copy_from_slice(&head.to_be_bytes());
    Ok(frame)
}

/// The length that a frame begins with, refused beyond `bytes_max`.
pub(super) fn length(head: [u8; LENGTH_BYTES], bytes_max: usize) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > bytes_max { Err(FrameError::TooLong(length)) } else { Ok(length) }
}

/// Reads a message and waits for it.
pub(super) fn read<M: DeserializeOwned>(from: &mut impl Read) -> Result<M, FrameError> {
    let mut head = [0; LENGTH_BYTES];
    from.read_exact(&mut head)?;
    let mut body = vec![0; length(head, FRAME_BYTES_MAX)?];
    from.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Writes a message.
pub(super) fn write<M: Serialize>(to: &mut impl Write, message: &M) -> Result<(), FrameError> {
    to.write_all(&encode(message)?)?;
    Ok(to.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = Vec::new();
        write(&mut bytes, &FromProcess::Ended(Ending::Threw("Error: ü".to_owned()))).unwrap();
        let read: FromProcess = read(&mut bytes.as_slice()).unwrap();
        assert!(matches!(read, FromProcess::Ended(Ending::Threw(message)) if message == "Error: ü"));
    }

    #[test]
    fn a_frame_that_claims_too_much_is_refused_before_it_is_read() {
        let claim = u32::MAX.to_be_bytes();
        assert!(matches!(read::<FromProcess>(&mut claim.as_slice()), Err(FrameError::TooLong(_))));
    }
}
