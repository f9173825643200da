//! The table of users, and the events that have been taken in, in whichever database it is.

use std::fmt;
use std::path::Path;

use crate::arrival::Arrival;
use crate::postgres::PostgresUsers;
use crate::sqlite::SqliteUsers;

/// The ids of events that are known again: the newest ones.
pub(crate) const EVENTS_KNOWN_MAX: i64 = 100_000;
/// After how many events those that are too many are forgotten.
pub(crate) const EVENTS_BETWEEN_FORGETTING: i64 = 1_000;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The table of users is as it says.
    Applied,
    /// It has been taken in before.
    Duplicate,
    /// The table knows something newer of this user.
    Stale,
    /// It is not about a user.
    Noted,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Noted => "noted",
        })
    }
}

/// Why an event could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// SQLite's trouble.
    #[error("the database cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL's trouble.
    #[error("the database cannot be used: {}", postgres_words(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The database does not answer.
    #[error("the database did not answer within {0} s")]
    Silent(u64),
    /// A table of that name is there, and is another one.
    #[error(
        "the table users is there already and is not one of this receiver's ({0}); use a database or a schema of its own"
    )]
    OtherTable(String),
}

/// The cause is what says something.
fn postgres_words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || {
            let cause = std::error::Error::source(error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        },
        |error| error.message().to_owned(),
    )
}

/// The table of users.
#[derive(Debug)]
pub struct Users(Database);

#[derive(Debug)]
enum Database {
    Sqlite(SqliteUsers),
    Postgres(Box<PostgresUsers>),
}

impl Users {
    /// In memory: it is gone with the receiver.
    ///
    /// # Errors
    /// [`UsersError`]
    pub fn in_memory() -> Result<Self, UsersError> {
        Ok(Self(Database::Sqlite(SqliteUsers::in_memory()?)))
    }

    /// In a file of SQLite's, which is made if it is not there.
    ///
    /// # Errors
    /// If it is no database, or cannot be written.
    pub fn in_file(path: &Path) -> Result<Self, UsersError> {
        Ok(Self(Database::Sqlite(SqliteUsers::in_file(path)?)))
    }

    /// In a PostgreSQL database, `postgres://…`, without TLS.
    ///
    /// # Errors
    /// If it cannot be reached, or the tables cannot be made.
    pub async fn in_postgres(url: &str) -> Result<Self, UsersError> {
        Ok(Self(Database::Postgres(Box::new(PostgresUsers::connect(url).await?))))
    }

    /// Takes an event in, in one transaction: its id, and what it says of a user.
    pub(crate) async fn take(&self, arrival: &Arrival) -> Result<Taken, UsersError> {
        match &self.0 {
            Database::Sqlite(users) => users.take(arrival.clone()).await,
            Database::Postgres(users) => users.take(arrival).await,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn arrival(id: &str, event_type: &str, second: u32, email: &str) -> Arrival {
        let body = format!(
            r#"{{"id":"{id}","type":"{event_type}","time":"2026-01-16T08:50:{second:02}.5Z",
                "data":{{"object":{{"user_id":"auth0|1","email":"{email}","name":"nul \u0000"}}}}}}"#
        );
        Arrival::read(body.as_bytes()).unwrap()
    }

    /// What every database has to do. `email` answers the user's address; `None` for one who is gone or unknown.
    pub(crate) async fn keeps_the_newest<F: Future<Output = Option<String>>>(users: &Users, email: impl Fn() -> F) {
        let take = async |id, event_type, second, address| {
            users.take(&arrival(id, event_type, second, address)).await.unwrap()
        };
        assert_eq!(take("e1", "user.created", 10, "first@x").await, Taken::Applied);
        assert_eq!(email().await.as_deref(), Some("first@x"));
        assert_eq!(take("e3", "user.updated", 30, "third@x").await, Taken::Applied);
        assert_eq!(take("e2", "user.updated", 20, "second@x").await, Taken::Stale);
        assert_eq!(take("e3", "user.updated", 40, "again@x").await, Taken::Duplicate, "the same id says the same");
        assert_eq!(email().await.as_deref(), Some("third@x"));
        assert_eq!(take("e4", "user.updated", 30, "same-time@x").await, Taken::Applied, "the later to come");
        assert_eq!(email().await.as_deref(), Some("same-time@x"));
        assert_eq!(take("e5", "user.deleted", 50, "").await, Taken::Applied);
        assert_eq!(email().await, None);
        for (id, second) in [("e6", 45), ("e7", 50)] {
            assert_eq!(take(id, "user.updated", second, "late@x").await, Taken::Stale, "nobody comes back to life");
        }
        assert_eq!(email().await, None);
        assert_eq!(take("e8", "user.created", 55, "anew@x").await, Taken::Applied);
        assert_eq!(email().await.as_deref(), Some("anew@x"));
        assert_eq!(take("e9", "organization.created", 10, "").await, Taken::Noted);
        assert_eq!(take("e9", "organization.created", 10, "").await, Taken::Duplicate);
    }

    /// The same event at once is taken in once.
    pub(crate) async fn takes_one_of_many(users: &std::sync::Arc<Users>) {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let users = std::sync::Arc::clone(users);
            tasks.spawn(async move { users.take(&arrival("at-once", "user.updated", 59, "once@x")).await.unwrap() });
        }
        let taken = tasks.join_all().await;
        assert_eq!(taken.iter().filter(|taken| **taken == Taken::Applied).count(), 1);
        assert_eq!(taken.iter().filter(|taken| **taken == Taken::Duplicate).count(), 19);
    }
}
