//! Going on with the snapshots of new streams, step by step, beside everything else that is written.

use std::sync::Arc;

use store::{SnapshotStep, StoreError};

use crate::shared::{PAUSE_AFTER_ERROR, Shared, sleep};

/// What is looked at in one step, so that no change waits long for it.
const STEP_ROWS: u32 = 200;

pub(crate) async fn run(shared: Arc<Shared>) {
    while !shared.stopping.is_cancelled() {
        let pause = match go_on(&shared).await {
            Ok(()) => None,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a snapshot cannot go on; trying again");
                Some(PAUSE_AFTER_ERROR)
            }
        };
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            // Snapshots begin and wait with their streams, so it is enough to hear of those.
            () = shared.snapshots.notified() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Goes on with all of them in turn, until each is complete or waits.
async fn go_on(shared: &Shared) -> Result<(), StoreError> {
    let mut streams = shared.log.snapshot_streams().await?;
    while !streams.is_empty() {
        let mut more = Vec::with_capacity(streams.len());
        for stream in streams {
            if shared.stopping.is_cancelled() {
                return Ok(());
            }
            match shared.log.snapshot_step(stream, shared.clock.now().wall, STEP_ROWS).await? {
                SnapshotStep::More => more.push(stream),
                SnapshotStep::Waiting => {}
                SnapshotStep::Done => tracing::info!(%stream, "the snapshot is complete"),
            }
        }
        streams = more;
    }
    Ok(())
}
