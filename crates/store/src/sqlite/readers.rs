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
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        let readers = self.clone();
        let task = tokio::task::spawn_blocking(move || {
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
