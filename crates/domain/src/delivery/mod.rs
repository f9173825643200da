//! The deciding core of delivery: what to send, when to try again, what is settled, when to give up.
//!
//! One [`StreamCore`] a stream is told what happened (events fed, attempts ended, time passed) and answers
//! what to do ([`Order`]s) and what to save ([`Progress`]). It owns no clock, socket, task or store.
//! [`Head`] routes what is committed to the streams at the end of the log; [`CatchUp`] says how fast those may read
//! that are far behind. The shell around them is the crate `delivery`; `tests/simulation/` here is the other shell,
//! with faults.
//!
//! Read `stream_core.rs` first; `window.rs`, `lanes.rs`, `ready.rs`, `retry.rs`, `health.rs` and `alerts.rs` are its parts.

mod alerts;
mod catch_up;
mod concurrency;
mod condition;
mod cycles;
mod head;
mod health;
mod jitter;
mod lanes;
mod outcome;
mod pace;
mod parked;
mod policy;
mod progress;
mod ready;
mod retry;
mod retry_after;
mod stream_core;
mod window;

pub use alerts::{Alert, AlertKind, AlertState, Alerts, LastFailure};
pub use catch_up::{Allowance, CatchUp};
pub use condition::{BEHIND_FROM, Condition, FAILING_AFTER, FAILING_FROM, IDLE_AFTER, Standing};
pub use cycles::{Cycles, DURATION_BOUNDS_MS, DURATION_CLASSES};
pub use head::{Head, LoggedCount};
pub use health::{DisableReason, Health};
pub use jitter::Jitter;
pub use lanes::Ticket;
pub use outcome::{
    Attempt, AttemptStatus, ConsoleLevel, ConsoleLine, FAILURE_CLASSES, Failure, FailureClass, FailureKind, Outcome,
};
pub use policy::{Limits, Ordering, Policy, Schedule};
pub use progress::{Cause, Parked, Position, Progress, Redelivery, RowChange, Saved};
pub use retry::{Next, next_step};
pub use retry_after::retry_after;
pub use stream_core::{Feed, Order, Phase, StreamCore};
