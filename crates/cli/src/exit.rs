//! How a command of the client ends: its exit code, and what is said when it did not work.

use crate::client::ClientError;
use crate::profiles::{FileError, NoServer};

/// How a command of the client ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The server refused, or what was given cannot be used.
    Refused,
    /// The command line is wrong.
    Usage,
    /// The server cannot be reached.
    Unreachable,
    /// Ended by Ctrl+C.
    Interrupted,
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            // What shells report of a program that Ctrl+C has ended.
            Self::Interrupted => 130,
        }
    }
}

/// Why a command did not work, in words for the person at the terminal, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), hint: None }
    }

    /// Something that was given cannot be used, or the server refused it.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: message.into(), hint: None }
    }

    /// Ctrl+C: there is nothing to be said about it.
    pub const fn interrupted() -> Self {
        Self { exit: Exit::Interrupted, message: String::new(), hint: None }
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, beginning with what failed: `failed to list event streams: …`.
    #[must_use]
    pub fn while_doing(self, what: &str) -> Self {
        if self.exit == Exit::Interrupted {
            return self;
        }
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// How the command ends.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// What failed. Empty when there is nothing to be said.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do next.
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match error {
            ClientError::Settings(_) => Exit::Usage,
            ClientError::Unreachable { .. } => Exit::Unreachable,
            ClientError::Refused { .. } | ClientError::Unexpected(_) => Exit::Refused,
        };
        Self { exit, message: error.to_string(), hint: error.next_step() }
    }
}

impl From<NoServer> for Failure {
    fn from(error: NoServer) -> Self {
        Self::usage(error.to_string()).hint(error.next_step())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::refused(error.to_string())
    }
}

/// What was being done when a call failed.
pub(crate) trait WhileDoing<T> {
    /// The same; its failure begins with what was being done.
    fn while_doing(self, what: &str) -> Result<T, Failure>;
}

impl<T> WhileDoing<T> for Result<T, ClientError> {
    fn while_doing(self, what: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::from(error).while_doing(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_failed_and_what_to_do_next() {
        let error = ClientError::Unreachable { url: "http://x".into(), reason: "refused".into() };
        let failure = Failure::from(error).while_doing("failed to list event streams");
        assert_eq!(failure.exit().code(), 3);
        assert_eq!(failure.message(), "failed to list event streams: http://x cannot be reached: refused");
        assert!(failure.next_step().unwrap().contains("running"));
        assert_eq!(Failure::interrupted().while_doing("anything").message(), "");
    }
}
