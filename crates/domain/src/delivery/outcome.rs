//! What came of an attempt. A destination's failure is a value here, never an `Err`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// What came of sending an event once.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The destination has it.
    Delivered {
        /// How long the attempt took.
        duration: Duration,
    },
    /// The stream's filter does not let it pass: it is done with, and nothing was sent.
    FilteredOut,
    /// The destination does not have it, as far as we know.
    Failed(Failure),
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What kind of failure, which decides whether trying again can help.
    pub kind: FailureKind,
    /// For people: what happened, without secrets.
    pub message: String,
    /// The first bytes of the answer, where there was one.
    pub answer: Option<String>,
    /// What the destination's own code wrote to its console; empty where it has none.
    pub console: Vec<ConsoleLine>,
    /// How long the attempt took.
    pub duration: Duration,
}

/// A line that an action wrote to its console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLine {
    /// Which of the console's functions wrote it.
    pub level: ConsoleLevel,
    /// What it wrote.
    pub text: String,
}

/// The console's functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleLevel {
    /// `console.debug` and `console.trace`
    Debug,
    /// `console.log`
    Log,
    /// `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}

impl Failure {
    /// A failure without an answer, of a destination that has no code of its own.
    pub fn new(kind: FailureKind, message: impl Into<String>, duration: Duration) -> Self {
        Self { kind, message: message.into(), answer: None, console: Vec::new(), duration }
    }
}

impl Outcome {
    /// How long the attempt took.
    pub const fn duration(&self) -> Duration {
        match self {
            Self::Delivered { duration } => *duration,
            Self::FilteredOut => Duration::ZERO,
            Self::Failed(failure) => failure.duration,
        }
    }
}

impl FailureKind {
    /// The receiver has more than it can take: it says so, or does not answer in time.
    pub const fn is_overload(self) -> bool {
        matches!(self, Self::Timeout | Self::Status { status: 429 | 503, .. })
    }
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Name resolution, connecting, TLS, or the connection broke.
    Unreachable,
    /// The time for the whole attempt was up.
    Timeout,
    /// An answer that is not 2xx.
    Status {
        /// The HTTP status.
        status: u16,
        /// The destination's `retry-after`, where it sent one.
        retry_after: Option<Duration>,
    },
    /// The destination's own code threw, gave up or broke.
    Thrown,
    /// Sending is not allowed or not possible as configured: trying again cannot help.
    Refused,
}

/// How many classes of failures there are.
pub const FAILURE_CLASSES: usize = FailureClass::ALL.len();

/// Failures as people sort them: what they are counted by, and found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureClass {
    /// No answer in time.
    #[serde(rename = "timeout")]
    Timeout,
    /// No connection, or a broken one.
    #[serde(rename = "connection")]
    Connection,
    /// An answer 4xx.
    #[serde(rename = "4xx")]
    ClientError,
    /// An answer 5xx.
    #[serde(rename = "5xx")]
    ServerError,
    /// Anything else: another status, an action that threw, what must not be sent.
    #[serde(rename = "other")]
    Other,
}

impl FailureClass {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 5] = [Self::Timeout, Self::Connection, Self::ClientError, Self::ServerError, Self::Other];

    /// The word for it in the API and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Other => "other",
        }
    }

    /// Reads the word for it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl FailureKind {
    /// The class that it is counted in.
    pub const fn class(self) -> FailureClass {
        match self {
            Self::Timeout => FailureClass::Timeout,
            Self::Unreachable => FailureClass::Connection,
            Self::Status { status: 400..=499, .. } => FailureClass::ClientError,
            Self::Status { status: 500..=599, .. } => FailureClass::ServerError,
            Self::Status { .. } | Self::Thrown | Self::Refused => FailureClass::Other,
        }
    }
}

/// An attempt as it is kept with a failed delivery (management-api.md 3.8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended, or for a requested redelivery when that was accepted.
    pub timestamp: Timestamp,
    /// What it came to.
    pub status: AttemptStatus,
    /// How long it took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What kind of failure it was; attempts that were kept before this was do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// The HTTP status of the answer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The first bytes of the answer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What the destination's own code wrote to its console.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<ConsoleLine>,
}

/// The contract's words for an attempt in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptStatus {
    /// It failed.
    Failed,
    /// A redelivery was accepted here; its attempts follow.
    Retrying,
}

impl Attempt {
    /// The record of a failed attempt.
    pub fn failed(timestamp: Timestamp, failure: Failure) -> Self {
        let http_status = match failure.kind {
            FailureKind::Status { status, .. } => Some(status),
            _ => None,
        };
        Self {
            timestamp,
            status: AttemptStatus::Failed,
            duration_ms: Some(failure.duration.as_secs_f64() * 1000.0),
            error: Some(failure.message),
            class: Some(failure.kind.class()),
            http_status,
            answer: failure.answer,
            console: failure.console,
        }
    }

    /// The record of an accepted redelivery.
    pub fn retrying(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            status: AttemptStatus::Retrying,
            duration_ms: None,
            error: None,
            class: None,
            http_status: None,
            answer: None,
            console: Vec::new(),
        }
    }
}
