//! Why reading has ended for good, and what to do about it.

use crate::client::ClientError;
use crate::exit::Failure;

/// Why reading has ended for good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    /// The server refuses, or is not there at all.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The log has forgotten what comes after the offset.
    #[error("{0}")]
    Expired(String),
    /// The offset is none of this server's.
    #[error("{0}")]
    UnknownOffset(String),
    /// Too many attempts in a row have brought nothing.
    #[error("stream reconnection failed after {attempts} consecutive attempts: {reason}")]
    GaveUp { attempts: u32, reason: String },
}

impl From<SubscribeError> for Failure {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Client(error) => error.into(),
            SubscribeError::Expired(words) => Self::refused(words).hint(
                "the server keeps events for some days only: begin with --from-timestamp, and fetch what was missed in \
                 another way",
            ),
            SubscribeError::UnknownOffset(words) => Self::refused(words)
                .hint("use an offset that this server has given to this tenant, or --from-timestamp"),
            error @ SubscribeError::GaveUp { .. } => Self::refused(error.to_string()),
        }
    }
}
