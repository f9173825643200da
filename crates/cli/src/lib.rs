//! The command-line client of Headwater: it speaks HTTP to a server, nothing else.
//!
//! It must never see the store, delivery or the server's own types: it can do only what any client can.
//! [`ManagementClient`] is the Management API as the commands (and the demo) use it; [`api`] is the first
//! command. Settings come in as values: the binary reads the environment.

pub mod api;
mod client;
mod json;

pub use client::{ClientError, Connection, Credentials, ManagementClient, Reply};
pub use json::indent;

/// How a command of the client ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The server refused.
    Refused,
    /// The command line is wrong.
    Usage,
    /// The server cannot be reached.
    Unreachable,
}

impl Exit {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
        }
    }
}
