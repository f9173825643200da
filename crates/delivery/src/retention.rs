//! Removing what is older than the log is kept, in small steps.

use std::sync::Arc;
use std::time::Duration;

use crate::shared::Shared;

/// How often to look.
const EVERY: Duration = Duration::from_secs(10);

/// Counts of deliveries summed up in one step.
const STEP_COUNTS: u32 = 500;

/// Events removed in one step, so that no change waits long for it.
const STEP_EVENTS: u32 = 500;

/// The shortest pause between two steps.
const PAUSE_MIN: Duration = Duration::from_millis(1);

pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        loop {
            let begun = shared.clock.now().steady;
            if !step(&shared).await || shared.stopping.is_cancelled() {
                break;
            }
            // As long as the step has taken: half of the time is for everybody else, also where the disk is slow.
            let took = shared.clock.now().steady.saturating_sub(begun);
            tokio::time::sleep(took.max(PAUSE_MIN)).await;
        }
        while compact(&shared).await && !shared.stopping.is_cancelled() {
            tokio::time::sleep(PAUSE_MIN).await;
        }
    }
}

/// Sums up old counts of deliveries; true if there may be more.
async fn compact(shared: &Shared) -> bool {
    match shared.log.counts_compact(shared.clock.now().wall, shared.settings.counts_kept, STEP_COUNTS).await {
        Ok(more) => more,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "old counts cannot be summed up; trying again later"
            );
            false
        }
    }
}

/// One step; true if there may be more.
async fn step(shared: &Arc<Shared>) -> bool {
    let before = shared.clock.now().wall.minus(shared.settings.retention);
    match shared.log.retention_pass(before, STEP_EVENTS).await {
        Ok(pass) => {
            for (id, _) in pass.failures {
                if let Some(stream) = shared.stream(id) {
                    stream.state().core.failures_expired(pass.oldest);
                    shared.mark_dirty(&stream);
                }
            }
            pass.events > 0
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "old events cannot be removed; trying again later"
            );
            false
        }
    }
}
