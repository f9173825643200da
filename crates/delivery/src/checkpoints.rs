//! Saving where the streams stand: all of them a few times a second, and one that delivers fast more often.
//!
//! What is saved at once goes to the store in parts, since whoever commits meanwhile waits for the part before.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::event::Seq;
use store::{Checkpoint, StreamProgress};

use crate::live_stream::{LiveStream, LogEnds};
use crate::shared::{PAUSE_AFTER_ERROR, Shared};

/// Positions and rows that are saved in one part, at most. What one stream has to save is never divided.
const PART_WRITES_MAX: usize = 16;

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
struct Taken<S = Arc<LiveStream>> {
    checkpoint: Checkpoint,
    streams: Vec<S>,
}

/// Takes what has changed. The head comes first: whatever is handed out after that is handed out again to a
/// stream that starts from this checkpoint.
fn take(shared: &Shared) -> Taken {
    let (head, logged) = {
        let mut head = shared.head();
        (head.frontier(), head.take_logged())
    };
    let mut taken = progress_of(shared, head, shared.take_dirty());
    taken.checkpoint.logged = logged;
    taken
}

/// Takes the progress of the streams that have much to save. The others keep theirs, so the head does not move.
fn take_due(shared: &Shared, saved_head: Seq) -> Taken {
    let (due, others) = shared.take_dirty().into_iter().partition(|stream| stream.state().core.save_due());
    shared.put_back_dirty(others);
    progress_of(shared, saved_head, due)
}

fn progress_of(shared: &Shared, head: Seq, dirty: Vec<Arc<LiveStream>>) -> Taken {
    let now = shared.clock.now();
    let ends = LogEnds { head: shared.head().frontier(), log: shared.log.heads().borrow().log };
    let mut checkpoint = Checkpoint { at: now.wall, head, ..Checkpoint::default() };
    let mut streams = Vec::new();
    for stream in dirty {
        stream.become_clean();
        let mut state = stream.state();
        let (generation, seeks, at_head) = (state.generation, state.seeks, state.at_head);
        let progress = state.core.take_progress();
        let queue = if progress.is_some() { state.sample(now, ends) } else { None };
        drop(state);
        if let Some(progress) = progress {
            checkpoint.streams.push(StreamProgress { stream: stream.id, generation, seeks, at_head, progress, queue });
            streams.push(stream);
        }
    }
    Taken { checkpoint, streams }
}

/// Divides what was taken; nothing if nothing is to be saved. The head moves with the last part, and with it what was
/// handed out is counted: by then, what the streams have open below it is saved.
fn parts<S>(taken: Taken<S>, saved_head: Seq) -> Vec<Taken<S>> {
    let Taken { checkpoint: Checkpoint { at, head, streams: progress, logged }, streams } = taken;
    let checkpoint = || Checkpoint { at, head: saved_head, ..Checkpoint::default() };
    let empty = || Taken { checkpoint: checkpoint(), streams: Vec::new() };
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
        last.checkpoint.logged = logged;
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
        if std::mem::take(&mut state.look_after_saving) {
            stream.redeliveries_waiting.store(true, Ordering::Release);
        }
        drop(state);
        // It may have waited for room among the unsaved.
        stream.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use domain::clock::Timestamp;
    use domain::delivery::{Alerts, Health, LoggedCount, Position, Progress, RowChange};
    use domain::ids::{StreamId, TenantId};

    use super::*;

    /// What streams with so many rows each have to save, beside a head at 9.
    fn taken(rows: &[usize]) -> Taken<usize> {
        let progress = |(number, rows): (usize, &usize)| StreamProgress {
            stream: StreamId::from_number(number as u128),
            generation: 1,
            seeks: 0,
            at_head: true,
            queue: None,
            progress: Progress {
                position: Position::at(Seq(9)),
                health: Health::default(),
                rows: (0..*rows as u64).map(|seq| RowChange::Unparked { seq: Seq(seq) }).collect(),
                cycles: domain::delivery::Cycles::default(),
                disable: None,
                alerts: Alerts::default(),
            },
        };
        let streams = rows.iter().enumerate().map(progress).collect();
        let logged = vec![LoggedCount { tenant: TenantId(1), minute: Timestamp::from_millis(0), events: 5 }];
        let checkpoint = Checkpoint { at: Timestamp::from_millis(0), head: Seq(9), streams, logged };
        Taken { checkpoint, streams: (0..rows.len()).collect() }
    }

    #[test]
    fn many_streams_are_saved_in_parts_and_the_head_with_the_last() {
        let rows: Vec<usize> = (0..40).map(|number| if number == 5 { 100 } else { number % 3 }).collect();
        let parts = parts(taken(&rows), Seq(4));
        assert!(parts.len() > 1);
        let (last, earlier) = parts.split_last().unwrap();
        assert_eq!(last.checkpoint.head, Seq(9));
        assert_eq!(last.checkpoint.logged.len(), 1, "what was handed out below the head is counted with it, once");
        assert!(earlier.iter().all(|part| part.checkpoint.head == Seq(4) && part.checkpoint.logged.is_empty()));
        for part in &parts {
            let ids: Vec<_> = part.checkpoint.streams.iter().map(|each| each.stream).collect();
            let expected: Vec<_> = part.streams.iter().map(|number| StreamId::from_number(*number as u128)).collect();
            assert_eq!(ids, expected);
            let writes: usize = part.streams.iter().map(|number| 1 + rows[*number]).sum();
            assert!(writes <= PART_WRITES_MAX || part.streams.len() == 1, "{writes} at once");
        }
        let all: Vec<usize> = parts.into_iter().flat_map(|part| part.streams).collect();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn a_head_alone_is_saved_if_it_has_moved() {
        assert_eq!(parts(taken(&[]), Seq(4)).len(), 1);
        assert!(parts(taken(&[]), Seq(9)).is_empty());
        assert_eq!(parts(taken(&[0]), Seq(9)).len(), 1);
    }
}
