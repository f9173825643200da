//! The table of users in PostgreSQL. All of its SQL is here.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Transaction};

use crate::arrival::{Arrival, UserChange};
use crate::users::{EVENTS_BETWEEN_FORGETTING, EVENTS_KNOWN_MAX, Taken, UsersError};

/// How long the database may take. The sender waits for ten seconds.
const ANSWER_MAX: Duration = Duration::from_secs(8);

/// A row whose user is gone stays, with nothing of the person in it: else a late update would bring them back.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS users (
  user_id text PRIMARY KEY,
  email text,
  name text,
  document jsonb,
  deleted boolean NOT NULL,
  event_id text NOT NULL,
  event_time timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS events_taken (
  number bigserial PRIMARY KEY,
  event_id text NOT NULL UNIQUE
)";

/// Receivers that start at once make the tables one after the other.
const TABLES_LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('headwater receive'))";

const EVENT_NOTE: &str = "INSERT INTO events_taken (event_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING number";

const EVENTS_FORGET: &str = "DELETE FROM events_taken WHERE number <= $1";

const USER_PUT: &str = "
INSERT INTO users (user_id, email, name, document, deleted, event_id, event_time)
VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7::text::timestamptz)
ON CONFLICT (user_id) DO UPDATE SET
  email = excluded.email, name = excluded.name, document = excluded.document,
  deleted = excluded.deleted, event_id = excluded.event_id, event_time = excluded.event_time
WHERE excluded.event_time > users.event_time
   OR (excluded.event_time = users.event_time AND NOT users.deleted)";

/// The table of users behind one connection, which is made anew after it is lost.
#[derive(Debug)]
pub(crate) struct PostgresUsers {
    config: Config,
    connection: Mutex<Option<Connected>>,
}

#[derive(Debug)]
struct Connected {
    client: Client,
    _driver: JoinSet<()>,
}

impl PostgresUsers {
    pub(crate) async fn connect(url: &str) -> Result<Self, UsersError> {
        let mut config: Config = url.parse()?;
        config.application_name("headwater receive").connect_timeout(ANSWER_MAX);
        let connected = in_time(connected(&config)).await?;
        Ok(Self { config, connection: Mutex::new(Some(connected)) })
    }

    pub(crate) async fn take(&self, arrival: &Arrival) -> Result<Taken, UsersError> {
        in_time(async {
            let mut connection = self.connection.lock().await;
            let usable = connection.take().filter(|connected| !connected.client.is_closed());
            let mut connected = match usable {
                Some(connected) => connected,
                None => connected(&self.config).await?,
            };
            let taken = take(&mut connected.client, arrival).await;
            // One that has failed, or was given up in the middle of it, is not used again.
            *connection = taken.is_ok().then_some(connected);
            taken
        })
        .await
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, UsersError>>) -> Result<T, UsersError> {
    let done = tokio::time::timeout(ANSWER_MAX, work).await;
    done.unwrap_or(Err(UsersError::Silent(ANSWER_MAX.as_secs())))
}

async fn connected(config: &Config) -> Result<Connected, UsersError> {
    let (mut client, driver) = config.connect(NoTls).await?;
    let mut driving = JoinSet::new();
    driving.spawn(async move {
        // That it has ended badly is told to whoever uses the connection.
        let _ = driver.await;
    });
    let transaction = client.transaction().await?;
    transaction.batch_execute(TABLES_LOCK).await?;
    transaction.batch_execute(TABLES).await?;
    if let Err(error) = transaction.prepare(USER_PUT).await {
        return Err(match error.as_db_error() {
            Some(words) => UsersError::OtherTable(words.message().to_owned()),
            None => error.into(),
        });
    }
    transaction.commit().await?;
    Ok(Connected { client, _driver: driving })
}

async fn take(client: &mut Client, arrival: &Arrival) -> Result<Taken, UsersError> {
    let transaction = client.transaction().await?;
    let taken = take_in(&transaction, arrival).await?;
    transaction.commit().await?;
    Ok(taken)
}

async fn take_in(transaction: &Transaction<'_>, arrival: &Arrival) -> Result<Taken, UsersError> {
    let Some(noted) = transaction.query_opt(EVENT_NOTE, &[&arrival.id]).await? else { return Ok(Taken::Duplicate) };
    let number: i64 = noted.try_get(0)?;
    if number % EVENTS_BETWEEN_FORGETTING == 0 {
        transaction.execute(EVENTS_FORGET, &[&(number - EVENTS_KNOWN_MAX)]).await?;
    }
    let Some(UserChange { user_id, user }) = &arrival.change else { return Ok(Taken::Noted) };
    let user = user.as_ref();
    let (email, name) = (user.and_then(|user| user.email.as_ref()), user.and_then(|user| user.name.as_ref()));
    let (document, is_gone) = (user.map(|user| &user.document), user.is_none());
    let time = arrival.time.to_string();
    let row: [&(dyn ToSql + Sync); 7] = [user_id, &email, &name, &document, &is_gone, &arrival.id, &time];
    let put = transaction.execute(USER_PUT, &row).await?;
    Ok(if put == 0 { Taken::Stale } else { Taken::Applied })
}

#[cfg(test)]
mod tests;
