//! Folding the write-ahead file into the database, beside the writer: done by the writer, as SQLite does it by
//! itself, every thousandth page would make all who wait at that moment wait for several flushes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::rows::unavailable;
use crate::StoreError;

/// How often to fold what was committed since.
const EVERY: Duration = Duration::from_millis(250);

/// With so many pages in the file the writer folds the rest, so that it can begin the file anew: that can only
/// be done where nothing is added meanwhile.
const PAGES_MANY: i64 = 8 * 1024;

/// With so many pages SQLite folds by itself, should nobody else get to it.
pub(super) const PAGES_MAX: i64 = 32 * 1024;

/// What the writer and the folding thread tell one another.
#[derive(Default)]
pub(super) struct Signals {
    committed: AtomicBool,
    rest_due: AtomicBool,
    stop: AtomicBool,
}

impl Signals {
    /// Something was committed.
    pub(super) fn committed(&self) {
        self.committed.store(true, Ordering::Release);
    }

    /// Whether the writer should fold the rest now.
    pub(super) fn take_rest_due(&self) -> bool {
        self.rest_due.load(Ordering::Acquire) && self.rest_due.swap(false, Ordering::AcqRel)
    }
}

/// The thread that folds. Dropping this ends it.
pub(super) struct Folding {
    signals: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
}

impl Folding {
    pub(super) fn start(path: &Path, signals: Arc<Signals>) -> Result<Self, StoreError> {
        let connection = Connection::open(path).map_err(unavailable("open its database"))?;
        // It never waits for anybody: what cannot be folded now is folded the next time.
        connection.busy_timeout(Duration::ZERO).map_err(unavailable("open its database"))?;
        let told = Arc::clone(&signals);
        let thread = std::thread::Builder::new()
            .name("store-folding".to_owned())
            .spawn(move || run(&connection, &told))
            .map_err(|error| StoreError::Unavailable { doing: "start folding", source: error.into() })?;
        Ok(Self { signals, thread: Some(thread) })
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        self.signals.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the store's folding thread panicked");
            }
        }
    }
}

fn run(connection: &Connection, signals: &Signals) {
    while !signals.stop.load(Ordering::Acquire) {
        std::thread::park_timeout(EVERY);
        if !signals.committed.swap(false, Ordering::AcqRel) {
            continue;
        }
        match fold(connection) {
            Ok(pages) if pages >= PAGES_MANY => signals.rest_due.store(true, Ordering::Release),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the write-ahead file cannot be folded now"),
        }
    }
}

/// Folds what can be folded without waiting for anybody; how many pages the file has.
pub(super) fn fold(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
}
