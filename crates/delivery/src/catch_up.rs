//! Live events first: streams that are far behind read no faster than leaves the head its pace.
//!
//! The rule is the domain's ([`CatchUp`]); here is what it is told. How long a task waits for its turn is tried out as
//! it is for a commit: a thread that is none of the runtime's wakes a task.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::delivery::Allowance;
use domain::event::Seq;
use tokio::sync::oneshot;

use crate::shared::Shared;

/// How often the wait is tried out, while somebody has to be spared.
const TRY_EVERY: Duration = Duration::from_millis(2);

/// How many events a stream may read that goes on at `from`, `until` being the head; waits until that is at least one.
pub(crate) async fn events_allowed(shared: &Shared, from: Seq, until: Seq, most: usize) -> usize {
    if until.0.saturating_sub(from.0) < shared.settings.far_behind {
        return most;
    }
    loop {
        let allowance = shared.catch_up.lock().unwrap_or_else(PoisonError::into_inner).take(shared.clock.now());
        match allowance {
            Allowance::All => return most,
            Allowance::Events(events) => {
                shared.catching_up.notify_one();
                return events.min(most);
            }
            Allowance::After(wait) => tokio::time::sleep(wait).await,
        }
    }
}

/// Tries out how long a task waits, whenever a stream that catches up has been held back.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = shared.catching_up.notified() => {}
        }
        let Some(wait) = wait_for_a_turn(&shared).await else { return };
        shared.catch_up.lock().unwrap_or_else(PoisonError::into_inner).waited(wait);
        tokio::time::sleep(TRY_EVERY).await;
    }
}

/// How long a task that is woken now waits until it runs; `None` when the runtime is shutting down.
async fn wait_for_a_turn(shared: &Arc<Shared>) -> Option<Duration> {
    let (sender, receiver) = oneshot::channel();
    let waking = Arc::clone(shared);
    tokio::task::spawn_blocking(move || sender.send(waking.clock.now().steady));
    let woken_at = receiver.await.ok()?;
    Some(shared.clock.now().steady.saturating_sub(woken_at))
}
