//! Going on with the erasures that were asked for, step by step, beside everything else that is written.

use std::sync::Arc;
use std::time::Duration;

use store::StoreError;

use crate::shared::Shared;

/// How often to look whether there are any, and how long to wait after the store could not be read or written.
const EVERY: Duration = Duration::from_secs(1);

/// Positions of the log looked at in one step.
const STEP_EVENTS: u32 = 2000;

/// Between two steps, so that a long log does not keep the disk and a core busy.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) async fn run(shared: Arc<Shared>) {
    while !shared.stopping.is_cancelled() {
        if let Err(error) = go_on(&shared).await {
            tracing::error!(error = &error as &dyn std::error::Error, "an erasure cannot go on; trying again");
        }
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Goes on until there is nothing more to erase.
async fn go_on(shared: &Shared) -> Result<(), StoreError> {
    let mut events = 0_u64;
    while !shared.stopping.is_cancelled() {
        let step = shared.log.erasure_step(STEP_EVENTS).await?;
        events += u64::from(step.events);
        if !step.more {
            if events > 0 {
                tracing::info!(events, "everything that was to be erased is erased");
            }
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
