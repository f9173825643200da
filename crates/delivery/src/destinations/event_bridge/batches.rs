//! Collects what is to be sent at once: a request takes several entries, and each has an outcome of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::calls::{Calls, Entry};
use super::problem::Problem;

/// Entries that a request takes.
pub(super) const ENTRIES_MAX: usize = 10;
/// Bytes of the entries of a request, which AWS counts as [`Entry::size`] does: less than a mebibyte.
pub(super) const ENTRIES_BYTES_MAX: usize = 1024 * 1024 - 1;

/// What became of an entry.
pub(super) type Taken = Result<(), Problem>;

/// An entry that waits to be sent, and who waits for it.
struct Waiting {
    entry: Entry,
    answer: oneshot::Sender<Taken>,
}

/// The entries of one stream on their way into requests.
pub(super) struct Batches {
    calls: Calls,
    timeout: Duration,
    waiting: Mutex<Vec<Waiting>>,
    /// Each ends with the time of an attempt; whoever gives up waiting leaves the others of the request their outcome.
    tasks: TaskTracker,
}

impl Batches {
    pub(super) fn new(calls: Calls, timeout: Duration) -> Self {
        Self { calls, timeout, waiting: Mutex::default(), tasks: TaskTracker::new() }
    }

    /// Has an entry sent with those that come at the same time. Nobody waits for one that may yet come.
    pub(super) fn send(self: &Arc<Self>, entry: Entry) -> oneshot::Receiver<Taken> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Waiting { entry, answer });
        if waiting.len() == 1 {
            self.tasks.spawn(Arc::clone(self).gather());
        }
        answered
    }

    /// Lets those go first that are under way already, and sends what there is then.
    async fn gather(self: Arc<Self>) {
        let count = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len();
        let mut seen = 0;
        while count() > seen {
            seen = count();
            tokio::task::yield_now().await;
        }
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for batch in split(waiting) {
            self.tasks.spawn(Arc::clone(&self).request(batch));
        }
    }

    async fn request(self: Arc<Self>, batch: Vec<Waiting>) {
        // Whoever has given up is not waiting any more.
        let batch = batch.into_iter().filter(|each| !each.answer.is_closed());
        let (entries, answers): (Vec<_>, Vec<_>) = batch.map(|each| (each.entry, each.answer)).unzip();
        for (answer, taken) in answers.into_iter().zip(self.taken(&entries).await) {
            // Nobody may be waiting any more.
            let _ = answer.send(taken);
        }
    }

    /// What becomes of each entry. Those of a request that is refused as a whole because of one of them are sent
    /// alone.
    async fn taken(&self, entries: &[Entry]) -> Vec<Taken> {
        if entries.is_empty() {
            return Vec::new();
        }
        match self.put(entries).await {
            Ok(taken) => taken,
            Err(problem) if problem.of_one_entry && entries.len() > 1 => {
                let mut taken = Vec::with_capacity(entries.len());
                for entry in entries {
                    let alone = self.put(std::slice::from_ref(entry)).await;
                    taken.push(alone.and_then(|mut alone| alone.pop().unwrap_or(Ok(()))));
                }
                taken
            }
            Err(problem) => vec![Err(problem); entries.len()],
        }
    }

    async fn put(&self, entries: &[Entry]) -> Result<Vec<Taken>, Problem> {
        let put = tokio::time::timeout(self.timeout, self.calls.put(entries)).await;
        put.unwrap_or_else(|_| Err(Problem::timeout()))
    }
}

/// In their order, as many to a batch as a request takes.
fn split(waiting: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    let mut batches: Vec<Vec<Waiting>> = Vec::new();
    let mut bytes = 0;
    for each in waiting {
        let size = each.entry.size();
        match batches.last_mut() {
            Some(batch) if batch.len() < ENTRIES_MAX && bytes + size <= ENTRIES_BYTES_MAX => {
                bytes += size;
                batch.push(each);
            }
            _ => {
                bytes = size;
                batches.push(vec![each]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use domain::clock::Timestamp;

    use super::*;

    fn sizes(bytes: &[usize]) -> Vec<usize> {
        let waiting = bytes.iter().map(|bytes| {
            let (source, detail_type) = (String::new().into(), String::new());
            let detail = "x".repeat(bytes - Entry::TIME_BYTES);
            let entry = Entry { time: Timestamp::default(), source, detail_type, detail };
            Waiting { entry, answer: oneshot::channel().0 }
        });
        split(waiting.collect()).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_batch_is_no_larger_than_a_request_may_be() {
        assert_eq!(sizes(&[100; 25]), [10, 10, 5]);
        assert_eq!(sizes(&[]), [0; 0]);
        let half = ENTRIES_BYTES_MAX / 2;
        assert_eq!(sizes(&[half, half, half]), [2, 1]);
        assert_eq!(sizes(&[half, half + 2, 100]), [1, 2]);
    }
}
