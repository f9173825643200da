//! The connections that read: a few, each used by one query at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::opening::connect_reader;
use crate::StoreError;

/// Queries at once. More would not be faster on the few cores that one machine has.
const READERS_MAX: usize = 8;

#[derive(Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path: Arc::new(path), idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// Runs a query off the async threads. It sees every change that was answered before.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            // Kept here: the query goes on although whoever asked has gone.
            let _permit = permit;
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => connect_reader(&readers.path)?,
            };
            let answer = query(&connection);
            readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        });
        task.await.map_err(|error| StoreError::Unavailable { doing: "run a query", source: error.into() })?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn a_query_counts_until_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let readers = Readers::new(path);
        let (started, mut has_started) = tokio::sync::mpsc::channel(1);
        let (end, may_end) = mpsc::channel::<()>();
        let mut tasks = JoinSet::new();
        let asking = readers.clone();
        tasks.spawn(async move {
            let query = move |_: &Connection| {
                started.blocking_send(()).unwrap();
                may_end.recv().unwrap();
                Ok(())
            };
            asking.read(query).await
        });
        has_started.recv().await.unwrap();
        tasks.shutdown().await;
        assert_eq!(readers.permits.available_permits(), READERS_MAX - 1, "it is still running");
        end.send(()).unwrap();
        let all = u32::try_from(READERS_MAX).unwrap();
        let ended = tokio::time::timeout(std::time::Duration::from_secs(60), readers.permits.acquire_many(all)).await;
        assert!(ended.is_ok(), "it has ended");
    }
}
