//! One deadline over all steps of an attempt.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Sleep;

use super::error::{SendError, Step};

/// The end of an attempt's time. It does not move as steps follow one another.
pub(super) struct Deadline<'a> {
    /// Ends when the time is up.
    pub(super) timer: Pin<&'a mut Sleep>,
    /// How long an attempt may take.
    pub(super) limit: Duration,
    /// When this one began, by the steady clock.
    pub(super) started: Duration,
}

impl Deadline<'_> {
    /// Does `work` as long as there is time.
    pub(super) async fn bound<F: Future>(&mut self, step: Step, work: F) -> Result<F::Output, SendError> {
        let outcome = tokio::select! {
            biased;
            done = work => Some(done),
            () = self.timer.as_mut() => None,
        };
        outcome.ok_or_else(|| self.missed(step))
    }

    /// The failure of a step that took too long.
    pub(super) const fn missed(&self, step: Step) -> SendError {
        SendError::Timeout { step, limit: self.limit }
    }

    /// The time that is left.
    pub(super) fn remaining(&self, now: Duration) -> Duration {
        self.limit.saturating_sub(now.saturating_sub(self.started))
    }
}
