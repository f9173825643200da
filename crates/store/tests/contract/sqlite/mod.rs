//! The embedded store: the contract, and what only a SQLite file has to promise.

mod opening;
mod publishing;
mod retaining;
mod secrets_at_rest;
mod transactions;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use store::sqlite::{Options, SqliteStore};
use store::{Keyring, StoreError};
use tempfile::TempDir;

use crate::backend::{Backend, Counting};

/// A store in a temporary folder.
pub(crate) struct Sqlite {
    folder: TempDir,
}

impl Backend for Sqlite {
    type Store = SqliteStore;

    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn open_with(&self, keyring: Arc<Keyring>) -> SqliteStore {
        open_in(self.folder.path(), keyring).unwrap()
    }
}

impl Sqlite {
    /// Another connection to the database file, which knows nothing of the store.
    fn raw(&self) -> Connection {
        Connection::open(self.folder.path().join("headwater.db")).unwrap()
    }
}

fn open_in(folder: &Path, keyring: Arc<Keyring>) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(Options { folder: folder.to_owned() }, keyring, Arc::new(Counting::default()))
}

mod contract {
    use super::Sqlite;

    contract_suite!(Sqlite);
}
