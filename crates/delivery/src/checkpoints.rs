//! Saving where the streams stand: all of them a few times a second, and one that delivers fast more often.
//!
//! What is saved at once goes to the store in parts, since whoever commits meanwhile waits for the part before.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::event::Seq;
use store::{Checkpoint, StreamProgress};

use crate::live_stream::LiveStream;
use crate::shared::{PAUSE_AFTER_ERROR, Shared};

/// Positions and rows that are saved in one part, at most. What one stream has to save is never divided.
const PART_WRITES_MAX: usize = 64;

/// How soon after the start the first checkpoint is taken. The pause grows from there: what is killed soon and again
/// has less to repeat.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How often the last checkpoint, when the engine stops, is tried.
const LAST_TRIES: u32 = 5;

pub(crate) async fn run(shared: Arc<Shared>) {
    let mut saved_head = Seq::ZERO;
    let mut pause = FIRST_PAUSE.min(shared.settings.checkpoint_every);
    let mut all_due = pin!(tokio::time::sleep(pause));
    while !shared.stopping.is_cancelled() {
        let taken = tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = &mut all_due => {
                pause = (2 * pause).min(shared.settings.checkpoint_every);
                all_due.set(tokio::time::sleep(pause));
                take(&shared)
            }
            () = shared.save_due.notified() => take_due(&shared, saved_head),
        };
        for part in parts(taken, saved_head) {
            // What was taken is saved before more is taken: rows are given out once.
            while !save(&shared, &part.checkpoint).await {
                if shared.stopping.is_cancelled() {
                    // What comes later must not be saved without these rows.
                    shared.checkpoints_abandoned.store(true, Ordering::Release);
                    return;
                }
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
            saved_head = part.checkpoint.head;
            told(&part.streams);
        }
    }
}

/// Saves everything, when no task moves a stream any more.
pub(crate) async fn save_last(shared: &Shared) {
    if !shared.checkpoints_abandoned.load(Ordering::Acquire) {
        let Taken { checkpoint, .. } = take(shared);
        for _ in 0..LAST_TRIES {
            if save(shared, &checkpoint).await {
                return;
            }
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
    }
    tracing::error!("the last checkpoint could not be saved; some events will be sent again");
}

/// A checkpoint, and the streams whose progress is in it, in the same order.
struct Taken {
    checkpoint: Checkpoint,
    streams: Vec<Arc<LiveStream>>,
}

/// Takes what has changed. The head comes first: whatever is handed out after that is handed out again to a
/// stream that starts from this checkpoint.
fn take(shared: &Shared) -> Taken {
    let head = shared.head().frontier();
    progress_of(shared, head, shared.take_dirty())
}

/// Takes the progress of the streams that have much to save. The others keep theirs, so the head does not move.
fn take_due(shared: &Shared, saved_head: Seq) -> Taken {
    let (due, others) = shared.take_dirty().into_iter().partition(|stream| stream.state().core.save_due());
    shared.put_back_dirty(others);
    progress_of(shared, saved_head, due)
}

fn progress_of(shared: &Shared, head: Seq, dirty: Vec<Arc<LiveStream>>) -> Taken {
    let mut checkpoint = Checkpoint { at: shared.clock.now().wall, head, streams: Vec::new() };
    let mut streams = Vec::new();
    for stream in dirty {
        stream.become_clean();
        let mut state = stream.state();
        let (generation, seeks, at_head) = (state.generation, state.seeks, state.at_head);
        let progress = state.core.take_progress();
        drop(state);
        if let Some(progress) = progress {
            checkpoint.streams.push(StreamProgress { stream: stream.id, generation, seeks, at_head, progress });
            streams.push(stream);
        }
    }
    Taken { checkpoint, streams }
}

/// Divides what was taken; nothing if nothing is to be saved. The head moves with the last part: by then, what
/// the streams have open below it is saved.
fn parts(taken: Taken, saved_head: Seq) -> Vec<Taken> {
    let Taken { checkpoint: Checkpoint { at, head, streams: progress }, streams } = taken;
    let empty = || Taken { checkpoint: Checkpoint { at, head: saved_head, streams: Vec::new() }, streams: Vec::new() };
    let (mut parts, mut writes) = (Vec::new(), usize::MAX);
    for (progress, stream) in progress.into_iter().zip(streams) {
        let more = 1 + progress.progress.rows.len();
        if writes.saturating_add(more) > PART_WRITES_MAX {
            parts.push(empty());
            writes = 0;
        }
        writes += more;
        if let Some(part) = parts.last_mut() {
            part.checkpoint.streams.push(progress);
            part.streams.push(stream);
        }
    }
    if parts.is_empty() && head != saved_head {
        parts.push(empty());
    }
    if let Some(last) = parts.last_mut() {
        last.checkpoint.head = head;
    }
    parts
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
