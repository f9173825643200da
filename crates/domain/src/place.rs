//! Places in the log as a caller names them, before anybody knows which positions they are.

use crate::clock::Timestamp;
use crate::event::{Seq, Source};

/// A place in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The oldest event that the log still holds.
    Beginning,
    /// After the newest event.
    Now,
    /// The first event that is not older than this.
    Time(Timestamp),
    /// This position.
    Position(Seq),
}

/// Where a new stream starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StartFrom {
    /// At a place in the log.
    Place(Place),
    /// After the newest event, with an event for everything that exists there first; they name this source.
    Snapshot(Source),
}

/// What a stream that is enabled again delivers of what it has missed since it was disabled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Resume {
    /// Nothing: the contract's way.
    #[default]
    Now,
    /// All of it.
    Position,
    /// What is not older than this.
    Time(Timestamp),
}
