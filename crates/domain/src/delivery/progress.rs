//! What is saved of a stream, and what it starts from again.

use super::alerts::{AlertState, Alerts};
use super::cycles::Cycles;
use super::health::{DisableReason, Health};
use super::outcome::Attempt;
use crate::clock::Timestamp;
use crate::event::Seq;

/// Where a stream stands in the log.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// Everything below this has been looked at.
    pub frontier: Seq,
    /// Of that, these are not settled yet, in order. The lowest is the stream's cursor.
    pub open: Vec<Seq>,
}

impl Position {
    /// A position at which nothing is open.
    pub const fn at(frontier: Seq) -> Self {
        Self { frontier, open: Vec::new() }
    }

    /// The lowest position that is not settled.
    pub fn cursor(&self) -> Seq {
        self.open.first().copied().unwrap_or(self.frontier)
    }
}

/// An event whose next attempt is further away than the window may wait, or that waits behind one.
#[derive(Clone, PartialEq, Debug)]
pub struct Parked {
    /// Its position.
    pub seq: Seq,
    /// The fingerprint of its subject.
    pub subject: u64,
    /// When to try again. One that waits behind another of its subject may go as soon as that has ended.
    pub due: Timestamp,
    /// The attempts so far.
    pub attempts: Vec<Attempt>,
}

/// Everything that was saved of a stream.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Saved {
    /// Where it stands.
    pub position: Position,
    /// Failed events since the last success.
    pub failures_in_row: u32,
    /// The positions of its failed deliveries.
    pub failed: Vec<Seq>,
    /// Its parked events.
    pub parked: Vec<Parked>,
    /// What has been told of it.
    pub alert_state: AlertState,
}

/// Why an event is delivered beside the log, and so which row stands for it in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Its delivery has failed, and somebody asked to deliver it again.
    Failed,
    /// It is delivered out of turn, for the first time: the stream has missed it, or it is a test event.
    OutOfTurn,
}

/// An event to deliver beside the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redelivery {
    /// Its position.
    pub seq: Seq,
    /// The fingerprint of its subject.
    pub subject: u64,
    /// Why.
    pub cause: Cause,
}

/// A row to write for what did not go well, or to take away because it went well after all.
#[derive(Clone, PartialEq, Debug)]
pub enum RowChange {
    /// A delivery has failed; if a parked row of it exists, this replaces it.
    Failed {
        /// Its position.
        seq: Seq,
        /// When it failed.
        at: Timestamp,
        /// Every attempt of it.
        attempts: Vec<Attempt>,
    },
    /// A failed delivery has failed once more: the attempts are added to it, and it stays.
    FailedAgain {
        /// Its position.
        seq: Seq,
        /// The attempts since.
        attempts: Vec<Attempt>,
        /// Somebody had asked for it, and that has ended. Otherwise the stream was moved back and came to it again,
        /// and a request that has been made meanwhile stands.
        redelivery: bool,
    },
    /// A redelivery has succeeded: the failed delivery goes.
    Recovered {
        /// Its position.
        seq: Seq,
    },
    /// An event that was to be delivered out of turn has been, or has failed: a row that says that follows.
    TurnEnded {
        /// Its position.
        seq: Seq,
        /// Whether the receiver has it.
        delivered: bool,
    },
    /// An event is parked, newly or again.
    Parked(Parked),
    /// A parked event has been delivered.
    Unparked {
        /// Its position.
        seq: Seq,
    },
}

/// What a checkpoint saves of one stream, all in one transaction: a row and the cursor that passed it.
#[derive(Clone, PartialEq, Debug)]
pub struct Progress {
    /// Where it stands.
    pub position: Position,
    /// Its counters.
    pub health: Health,
    /// What happened to rows since the last checkpoint, in order.
    pub rows: Vec<RowChange>,
    /// The deliveries that have ended since the last checkpoint.
    pub cycles: Cycles,
    /// The stream is to be disabled.
    pub disable: Option<DisableReason>,
    /// What is to be told of the stream. That it was disabled only if it is.
    pub alerts: Alerts,
}
