//! A receiver of Headwater's webhooks on axum: it checks who sends, takes each event in once, and keeps a table of users.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::env::var;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing::post};
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::Value;
use standardwebhooks::Webhook;

const SCHEMA: &str = r#"
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS events (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, "offset" TEXT, taken_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    -- A user who was deleted keeps a row without a profile, so that what is older does not bring them back.
    CREATE TABLE IF NOT EXISTS users (user_id TEXT PRIMARY KEY, email TEXT, profile TEXT, time TEXT NOT NULL);
"#;
const NOTE_EVENT: &str = r#"INSERT INTO events (id, type, "offset") VALUES (?, ?, ?) ON CONFLICT DO NOTHING"#;
/// Times are in UTC with milliseconds, so they compare as text.
const WRITE_USER: &str = "
    INSERT INTO users (user_id, email, profile, time) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, profile = excluded.profile, time = excluded.time
    WHERE excluded.time >= users.time
";

struct Receiver {
    token: Option<String>,
    webhook: Option<Webhook>,
    database: Mutex<Connection>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    time: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

impl Receiver {
    /// Fails if a request is not from the stream. The signature is over the body as it came.
    fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<()> {
        if let Some(token) = &self.token {
            let given = headers.get("authorization").map_or(&b""[..], |value| value.as_bytes());
            if verify_slices_are_equal(given, format!("Bearer {token}").as_bytes()).is_err() {
                bail!("wrong token");
            }
        }
        if let Some(webhook) = &self.webhook {
            webhook.verify(body, headers)?;
        }
        Ok(())
    }

    /// Takes an event in, in one transaction; says what became of it.
    fn take_in(&self, event: &Event, offset: Option<&str>) -> rusqlite::Result<&'static str> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = database.transaction()?;
        if transaction.execute(NOTE_EVENT, params![event.id, event.r#type, offset])? == 0 {
            return Ok("duplicate");
        }
        let user = &event.data.object;
        let (email, profile) = match event.r#type.as_str() {
            "user.created" | "user.updated" => (user["email"].as_str(), Some(user.to_string())),
            "user.deleted" => (None, None),
            _ => {
                transaction.commit()?;
                return Ok("noted");
            }
        };
        let written = transaction.execute(WRITE_USER, params![user["user_id"].as_str(), email, profile, event.time])?;
        transaction.commit()?;
        Ok(if written == 0 { "stale" } else { "taken" })
    }
}

async fn webhook(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Err(error) = receiver.check(&headers, &body) {
        println!("refused: {error}");
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice::<Event>(&body) else { return StatusCode::BAD_REQUEST };
    let offset = headers.get("headwater-offset").and_then(|value| value.to_str().ok());
    // One transaction of SQLite takes about a millisecond; with a database that is further away, use an async driver.
    match receiver.take_in(&event, offset) {
        Ok(became) => println!("{} {}: {became}", event.id, event.r#type),
        Err(error) => {
            eprintln!("{} was not stored, it will be sent again: {error}", event.id);
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    StatusCode::NO_CONTENT
}

#[tokio::main]
async fn main() -> Result<()> {
    let (token, secret) = (var("RECEIVER_TOKEN").ok(), var("RECEIVER_SECRET").ok());
    if token.is_none() && secret.is_none() {
        bail!("set RECEIVER_TOKEN (the stream's bearer token), RECEIVER_SECRET (of its signing), or both");
    }
    let webhook = secret.map(|secret| Webhook::new(&secret).context("RECEIVER_SECRET")).transpose()?;
    let path = var("RECEIVER_DATABASE").unwrap_or_else(|_| "receiver.db".into());
    let database = Connection::open(&path).with_context(|| path.clone())?;
    database.execute_batch(SCHEMA).context(path)?;
    let port = var("PORT").unwrap_or_else(|_| "3000".into());
    let address = format!("127.0.0.1:{port}");
    let receiver = Arc::new(Receiver { token, webhook, database: Mutex::new(database) });
    // An event may have up to the 2 MiB that axum takes by itself.
    let router = Router::new().route("/webhook", post(self::webhook)).with_state(receiver);
    let listener = tokio::net::TcpListener::bind(&address).await.context(address.clone())?;
    println!("listening on http://{address}/webhook");
    axum::serve(listener, router).await?;
    Ok(())
}
