//! Saving where the streams stand: many at once, a few times a second.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use store::{Checkpoint, StreamProgress};

use crate::live_stream::LiveStream;
use crate::shared::{PAUSE_AFTER_ERROR, Shared};

/// How often the last checkpoint, when the engine stops, is tried.
const LAST_TRIES: u32 = 5;

pub(crate) async fn run(shared: Arc<Shared>) {
    let mut saved_head = None;
    while !shared.stopping.is_cancelled() {
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = tokio::time::sleep(shared.settings.checkpoint_every) => {}
        }
        let (checkpoint, streams) = take(&shared);
        if checkpoint.streams.is_empty() && saved_head == Some(checkpoint.head) {
            continue;
        }
        // What was taken is saved before more is taken: rows are given out once.
        while !save(&shared, &checkpoint).await {
            if shared.stopping.is_cancelled() {
                // What comes later must not be saved without these rows.
                shared.checkpoints_abandoned.store(true, Ordering::Release);
                return;
            }
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
        saved_head = Some(checkpoint.head);
        told(&streams);
    }
}

/// Saves everything, when no task moves a stream any more.
pub(crate) async fn save_last(shared: &Shared) {
    if !shared.checkpoints_abandoned.load(Ordering::Acquire) {
        let (checkpoint, _) = take(shared);
        for _ in 0..LAST_TRIES {
            if save(shared, &checkpoint).await {
                return;
            }
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
    }
    tracing::error!("the last checkpoint could not be saved; some events will be sent again");
}

/// Takes what has changed. The head comes first: whatever is handed out after that is handed out again to a
/// stream that starts from this checkpoint.
fn take(shared: &Shared) -> (Checkpoint, Vec<Arc<LiveStream>>) {
    let head = shared.head().frontier();
    let streams = shared.take_dirty();
    let mut checkpoint = Checkpoint { at: shared.clock.now().wall, head, streams: Vec::new() };
    for stream in &streams {
        stream.become_clean();
        let mut state = stream.state();
        let (generation, seeks, at_head) = (state.generation, state.seeks, state.at_head);
        if let Some(progress) = state.core.take_progress() {
            checkpoint.streams.push(StreamProgress { stream: stream.id, generation, seeks, at_head, progress });
        }
    }
    (checkpoint, streams)
}

async fn save(shared: &Shared, checkpoint: &Checkpoint) -> bool {
    match shared.log.checkpoint_save(checkpoint.clone()).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a checkpoint cannot be saved; trying again");
            false
        }
    }
}

fn told(streams: &[Arc<LiveStream>]) {
    for stream in streams {
        let mut state = stream.state();
        state.core.progress_saved();
        state.saves += 1;
        drop(state);
        // It may have waited for room among the unsaved.
        stream.wake.notify_one();
    }
}
