//! The table of users in SQLite. All of its SQL is here.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, params};

use crate::arrival::{Arrival, UserChange};
use crate::users::{EVENTS_BETWEEN_FORGETTING, EVENTS_KNOWN_MAX, Taken, UsersError};

/// How long another program may hold the file.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// A row whose user is gone stays, with nothing of the person in it: else a late update would bring them back.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS users (
  user_id TEXT PRIMARY KEY,
  email TEXT,
  name TEXT,
  document TEXT,
  deleted INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  event_time TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events_taken (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE
) STRICT;";

const EVENT_NOTE: &str = "INSERT INTO events_taken (event_id) VALUES (?1) ON CONFLICT DO NOTHING";

const EVENTS_FORGET: &str = "DELETE FROM events_taken WHERE number <= ?1";

/// Times are written alike, so that they are ordered as texts.
const USER_PUT: &str = "
INSERT INTO users (user_id, email, name, document, deleted, event_id, event_time)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (user_id) DO UPDATE SET
  email = excluded.email, name = excluded.name, document = excluded.document,
  deleted = excluded.deleted, event_id = excluded.event_id, event_time = excluded.event_time
WHERE excluded.event_time > users.event_time
   OR (excluded.event_time = users.event_time AND NOT users.deleted)";

/// The table of users in a file, or in memory.
#[derive(Debug)]
pub(crate) struct SqliteUsers(Arc<Mutex<Connection>>);

impl SqliteUsers {
    pub(crate) fn in_memory() -> Result<Self, UsersError> {
        Self::prepared(Connection::open_in_memory()?)
    }

    pub(crate) fn in_file(path: &Path) -> Result<Self, UsersError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_MAX)?;
        // What was answered 204 is on the disk.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Self::prepared(connection)
    }

    fn prepared(connection: Connection) -> Result<Self, UsersError> {
        connection.execute_batch(TABLES)?;
        if let Err(error) = connection.prepare(USER_PUT) {
            return Err(UsersError::OtherTable(error.to_string()));
        }
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Takes an event in, on a thread that may wait for the disk.
    pub(crate) async fn take(&self, arrival: Arrival) -> Result<Taken, UsersError> {
        let connection = Arc::clone(&self.0);
        let taking = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            take(&mut connection, &arrival)
        });
        match taking.await {
            Ok(taken) => taken,
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        }
    }
}

fn take(connection: &mut Connection, arrival: &Arrival) -> Result<Taken, UsersError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let taken = take_in(&transaction, arrival)?;
    transaction.commit()?;
    Ok(taken)
}

fn take_in(transaction: &Transaction<'_>, arrival: &Arrival) -> Result<Taken, UsersError> {
    if transaction.prepare_cached(EVENT_NOTE)?.execute([&arrival.id])? == 0 {
        return Ok(Taken::Duplicate);
    }
    let number = transaction.last_insert_rowid();
    if number % EVENTS_BETWEEN_FORGETTING == 0 {
        transaction.execute(EVENTS_FORGET, [number - EVENTS_KNOWN_MAX])?;
    }
    let Some(UserChange { user_id, user }) = &arrival.change else { return Ok(Taken::Noted) };
    let put = transaction.prepare_cached(USER_PUT)?.execute(params![
        user_id,
        user.as_ref().and_then(|user| user.email.as_ref()),
        user.as_ref().and_then(|user| user.name.as_ref()),
        user.as_ref().map(|user| &user.document),
        user.is_none(),
        arrival.id,
        arrival.time.to_string(),
    ])?;
    Ok(if put == 0 { Taken::Stale } else { Taken::Applied })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Users;
    use crate::users::tests::{keeps_the_newest, takes_one_of_many};

    fn email(path: &Path) -> Option<String> {
        let connection = Connection::open(path).unwrap();
        let found = connection.query_row("SELECT email FROM users WHERE NOT deleted", [], |row| row.get(0));
        match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => None,
            found => found.unwrap(),
        }
    }

    #[tokio::test]
    async fn the_newest_of_each_user_is_kept_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        let users = Users::in_file(&path).unwrap();
        keeps_the_newest(&users, || async { email(&path) }).await;
        drop(users);
        let users = Arc::new(Users::in_file(&path).unwrap());
        takes_one_of_many(&users).await;
        assert_eq!(email(&path).as_deref(), Some("once@x"));
    }

    #[tokio::test]
    async fn nothing_of_a_person_is_left_of_those_who_are_gone() {
        let users = SqliteUsers::in_memory().unwrap();
        for (id, event_type) in [("e1", "user.created"), ("e2", "user.deleted")] {
            let body = format!(
                r#"{{"id":"{id}","type":"{event_type}","time":"2026-01-16T08:50:33Z","data":{{"object":{{"user_id":"u","email":"jane@x","name":"Jane"}}}}}}"#
            );
            users.take(Arrival::read(body.as_bytes()).unwrap()).await.unwrap();
        }
        let connection = users.0.lock().unwrap();
        let left: (Option<String>, Option<String>, Option<String>) = connection
            .query_row("SELECT email, name, document FROM users", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert_eq!(left, (None, None, None));
    }

    #[tokio::test]
    async fn only_the_newest_ids_are_known_again() {
        let users = SqliteUsers::in_memory().unwrap();
        {
            let connection = users.0.lock().unwrap();
            let filled = "INSERT INTO events_taken (event_id)
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT 'old-' || i FROM n";
            connection.execute(filled, [EVENTS_KNOWN_MAX + EVENTS_BETWEEN_FORGETTING - 1]).unwrap();
        }
        let arrival = Arrival::read(br#"{"id":"new","type":"t","time":"2026-01-16T08:50:33Z"}"#).unwrap();
        assert_eq!(users.take(arrival).await.unwrap(), Taken::Noted);
        let count = "SELECT count(*) FROM events_taken";
        let count: i64 = users.0.lock().unwrap().query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(count, EVENTS_KNOWN_MAX);
    }

    #[test]
    fn another_programs_table_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE users (id INTEGER)").unwrap();
        let error = Users::in_file(&path).unwrap_err();
        assert!(matches!(error, UsersError::OtherTable(_)), "{error}");
        assert!(matches!(Users::in_file(folder.path()).unwrap_err(), UsersError::Sqlite(_)));
    }
}
