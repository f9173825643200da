//! Event streams: settings, sealed secrets, the history of their subscriptions.

use domain::catalog::EventType;
use domain::change::{Expect, Revision, Versioned};
use domain::clock::Timestamp;
use domain::delivery::{DisableReason, Position};
use domain::destination::{Authorization, Destination, Endpoint, Webhook};
use domain::event::Seq;
use domain::ids::{StreamId, TenantId};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamStatus};
use domain::subscription::{Interest, Spans};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use serde::{Deserialize, Serialize};

use super::change::{put, revisions};
use super::cursors;
use super::rows::{Place, event_type, json, run, seq_value, to_json, unavailable};
use super::writer::Writing;
use crate::{Conflict, Keyring, StoreError, StreamState, StreamsChanged, StreamsVersion};

/// A destination as it is stored: everything but the secret.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StoredDestination {
    Webhook { endpoint: String, authorization: StoredAuthorization },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
enum StoredAuthorization {
    Bearer,
    Basic { username: String },
    CustomHeader { header_key: String },
}

fn split_destination(destination: &Destination) -> (StoredDestination, &Secret) {
    let Destination::Webhook(Webhook { endpoint, authorization }) = destination;
    let stored = match authorization {
        Authorization::Bearer { .. } => StoredAuthorization::Bearer,
        Authorization::Basic { username, .. } => StoredAuthorization::Basic { username: username.clone() },
        Authorization::CustomHeader { header_key, .. } => {
            StoredAuthorization::CustomHeader { header_key: header_key.clone() }
        }
    };
    let stored = StoredDestination::Webhook { endpoint: endpoint.as_str().to_owned(), authorization: stored };
    (stored, authorization.secret())
}

fn join_destination(stored: StoredDestination, secret: Secret) -> Option<Destination> {
    let StoredDestination::Webhook { endpoint, authorization } = stored;
    let authorization = match authorization {
        StoredAuthorization::Bearer => Authorization::Bearer { token: secret },
        StoredAuthorization::Basic { username } => Authorization::Basic { username, password: secret },
        StoredAuthorization::CustomHeader { header_key } => {
            Authorization::CustomHeader { header_key, header_value: secret }
        }
    };
    Some(Destination::Webhook(Webhook { endpoint: Endpoint::from_stored(&endpoint).ok()?, authorization }))
}

fn secret_context(id: &str) -> String {
    format!("streams/{id}")
}

const INSERT: &str = "INSERT INTO streams
  (stream_id, tenant_id, revision, version, generation, name, status, subscriptions, destination, secret, spans,
   created_at, updated_at)
  VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const UPDATE: &str = "UPDATE streams
  SET revision = ?3, version = ?4, name = ?5, status = ?6, subscriptions = ?7, destination = ?8, secret = ?9,
      spans = ?10, updated_at = ?12, generation = generation + (status <> ?6),
      disabled_reason = CASE WHEN status = ?6 THEN disabled_reason END
  WHERE stream_id = ?1 AND tenant_id = ?2 AND revision = ?13 AND created_at = ?11";

/// A new stream starts, and a changed status or subscription holds, at the end of the log as it is now: the
/// writer is alone, so no event can come in between.
pub(super) fn stream_put(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    stream: &EventStream,
) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let id = stream.id.to_string();
    let end = writing.log_end();
    let spans = match current {
        None => Spans::starting(end, stream.interest()),
        Some(_) => {
            let mut spans = stored_spans(writing.connection, &id)?.ok_or(StoreError::Stale)?;
            spans.begin(end, stream.interest());
            prune(writing.connection, stream.id, &mut spans)?;
            spans
        }
    };
    let version = writing.next_streams_version();
    let (destination, secret) = split_destination(&stream.destination);
    let (destination, status) = (to_json(&destination), stream.status.name());
    let sealed = writing.keyring.seal(secret, &secret_context(&id), writing.entropy);
    let types = to_json(&stream.subscriptions.iter().map(|each| each.name()).collect::<Vec<_>>());
    let (created, updated) = (stream.created_at.as_millis(), stream.updated_at.as_millis());
    let spans = spans.to_json();
    let name = &stream.name;
    match current {
        None => {
            let values = params![
                id,
                tenant.0,
                revision,
                version.0,
                name,
                status,
                types,
                destination,
                sealed,
                spans,
                created,
                updated
            ];
            put(writing, INSERT, values, Conflict::StreamName)?;
            cursors::cursor_create(writing.connection, &id, &Position::at(end))
        }
        Some(current) => {
            let values = params![
                id,
                tenant.0,
                revision,
                version.0,
                name,
                status,
                types,
                destination,
                sealed,
                spans,
                created,
                updated,
                current
            ];
            // Counts of failures in a row end where a stream is enabled or disabled.
            let reset = "UPDATE cursors SET failures_in_row = 0
                         WHERE stream_id = ?1 AND ?2 <> (SELECT status FROM streams s WHERE s.stream_id = ?1)";
            run(writing.connection, reset, params![id, status])?;
            put(writing, UPDATE, values, Conflict::StreamName)
        }
    }
}

fn stored_spans(connection: &Connection, id: &str) -> Result<Option<Spans>, StoreError> {
    let found: Option<String> = connection
        .prepare_cached("SELECT spans FROM streams WHERE stream_id = ?1")
        .and_then(|mut statement| statement.query_row(params![id], |row| row.get(0)).optional())
        .map_err(unavailable("read a stream"))?;
    found.map(|text| spans_of(&text, id)).transpose()
}

fn spans_of(text: &str, id: &str) -> Result<Spans, StoreError> {
    Spans::from_json(text).ok_or_else(|| Place { table: "streams", column: "spans", row: &id }.corrupt())
}

fn prune(connection: &Connection, id: StreamId, spans: &mut Spans) -> Result<(), StoreError> {
    let floor: Option<u64> =
        connection.query_row("SELECT min(seq) FROM log", [], |row| row.get(0)).map_err(unavailable("read its log"))?;
    let restored = cursors::stream_restore(connection, id)?;
    if let (Some(floor), Some(restored)) = (floor, restored) {
        spans.prune(restored.position.cursor(), Seq(floor));
    }
    Ok(())
}

pub(super) fn stream_removed(writing: &mut Writing<'_>, id: StreamId) -> Result<(), StoreError> {
    let version = writing.next_streams_version();
    let sql = "INSERT OR REPLACE INTO stream_removals VALUES (?1, ?2)";
    run(writing.connection, sql, &[&id.to_string(), &version.0]).map(|_| ())
}

/// Disables a stream that keeps failing, unless somebody has enabled or disabled it meanwhile.
pub(super) fn stream_disable(
    writing: &mut Writing<'_>,
    id: StreamId,
    generation: u64,
    reason: DisableReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = id.to_string();
    if !is_enabled_at(writing.connection, &text, generation)? {
        return Ok(());
    }
    let Some(mut spans) = stored_spans(writing.connection, &text)? else { return Ok(()) };
    spans.begin(writing.log_end(), Interest::Missed);
    let version = writing.next_streams_version();
    let sql = "UPDATE streams SET status = 'disabled', disabled_reason = ?2, spans = ?3, version = ?4, updated_at = ?5,
                 revision = revision + 1, generation = generation + 1
               WHERE stream_id = ?1";
    let values = params![text, reason.name(), spans.to_json(), version.0, now.as_millis()];
    run(writing.connection, sql, values)?;
    tracing::warn!(stream = %id, reason = reason.name(), "a stream was disabled because it keeps failing");
    Ok(())
}

fn is_enabled_at(connection: &Connection, id: &str, generation: u64) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM streams WHERE stream_id = ?1 AND generation = ?2 AND status = 'enabled'")
        .and_then(|mut statement| statement.exists(params![id, generation]))
        .map_err(unavailable("read a stream"))
}

const COLUMNS: &str = "SELECT stream_id, tenant_id, revision, generation, name, status, subscriptions, destination,
  secret, spans, created_at, updated_at FROM streams";

struct StoredStream {
    revision: Revision,
    state: StreamState,
}

fn stored_of(keyring: &Keyring, row: &Row<'_>) -> rusqlite::Result<Result<StoredStream, StoreError>> {
    let id: String = row.get(0)?;
    let (tenant, revision, generation) = (TenantId(row.get(1)?), Revision(row.get(2)?), row.get(3)?);
    let (name, status): (Option<String>, String) = (row.get(4)?, row.get(5)?);
    let (types, destination): (String, String) = (row.get(6)?, row.get(7)?);
    let (sealed, spans): (Vec<u8>, String) = (row.get(8)?, row.get(9)?);
    let (created_at, updated_at) = (Timestamp::from_millis(row.get(10)?), Timestamp::from_millis(row.get(11)?));
    let place = |column| Place { table: "streams", column, row: &id };
    let read = || {
        let names: Vec<String> = json(&types, place("subscriptions"))?;
        let subscriptions = names
            .iter()
            .map(|name| event_type(name, place("subscriptions")))
            .collect::<Result<Vec<EventType>, StoreError>>()?;
        let secret = keyring.open(&sealed, &secret_context(&id)).map_err(|_| place("secret").corrupt())?;
        let destination = join_destination(json(&destination, place("destination"))?, secret)
            .ok_or_else(|| place("destination").corrupt())?;
        let stream = EventStream {
            id: StreamId::parse(&id).map_err(|_| place("stream_id").corrupt())?,
            name,
            status: StreamStatus::from_name(&status).ok_or_else(|| place("status").corrupt())?,
            subscriptions,
            destination,
            created_at,
            updated_at,
        };
        Ok(StoredStream { revision, state: StreamState { tenant, stream, spans: spans_of(&spans, &id)?, generation } })
    };
    Ok(read())
}

fn query(
    connection: &Connection,
    keyring: &Keyring,
    filter: &str,
    values: impl Params,
) -> Result<Vec<StoredStream>, StoreError> {
    connection
        .prepare_cached(&format!("{COLUMNS} {filter}"))
        .and_then(|mut statement| {
            statement.query_map(values, |row| stored_of(keyring, row))?.collect::<rusqlite::Result<Vec<_>>>()
        })
        .map_err(unavailable("read streams"))?
        .into_iter()
        .collect()
}

pub(super) fn stream_get(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    id: StreamId,
) -> Result<Option<Versioned<EventStream>>, StoreError> {
    let filter = "WHERE tenant_id = ?1 AND stream_id = ?2";
    let found = query(connection, keyring, filter, params![tenant.0, id.to_string()])?.pop();
    Ok(found.map(|stored| Versioned { revision: stored.revision, value: stored.state.stream }))
}

/// Stream ids sort in the order of creation, so a page is a range of them.
pub(super) fn stream_page(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    after: Option<StreamId>,
    take: u32,
) -> Result<Vec<EventStream>, StoreError> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let filter = "WHERE tenant_id = ?1 AND stream_id > ?2 ORDER BY stream_id LIMIT ?3";
    let found = query(connection, keyring, filter, params![tenant.0, after, take])?;
    Ok(found.into_iter().map(|stored| stored.state.stream).collect())
}

pub(super) fn streams_changed(
    connection: &Connection,
    keyring: &Keyring,
    version: StreamsVersion,
) -> Result<StreamsChanged, StoreError> {
    // One snapshot for both queries, so that the version fits what was read.
    let snapshot = connection.unchecked_transaction().map_err(unavailable("read streams"))?;
    let changed = query(&snapshot, keyring, "WHERE version > ?1 ORDER BY version", params![version.0])?;
    let removed: Vec<(String, u64)> = snapshot
        .prepare_cached("SELECT stream_id, version FROM stream_removals WHERE version > ?1")
        .and_then(|mut statement| {
            statement.query_map(params![version.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(unavailable("read streams"))?;
    let newest: u64 = snapshot
        .query_row(
            "SELECT max(coalesce((SELECT max(version) FROM streams), 0),
                        coalesce((SELECT max(version) FROM stream_removals), 0))",
            [],
            |row| row.get(0),
        )
        .map_err(unavailable("read streams"))?;
    Ok(StreamsChanged {
        version: StreamsVersion(newest.max(version.0)),
        changed: changed.into_iter().map(|stored| stored.state).collect(),
        removed: removed.iter().filter_map(|(id, _)| StreamId::parse(id).ok()).collect(),
    })
}

/// The lowest position that an enabled stream has still to deliver, if there is one.
pub(super) fn lowest_needed(connection: &Connection) -> Result<Option<Seq>, StoreError> {
    let ids: Vec<String> = connection
        .prepare_cached("SELECT stream_id FROM streams WHERE status = 'enabled'")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(unavailable("read streams"))?;
    let mut lowest = None;
    for id in ids {
        let id =
            StreamId::parse(&id).map_err(|_| Place { table: "streams", column: "stream_id", row: &id }.corrupt())?;
        let Some(restored) = cursors::stream_restore(connection, id)? else { continue };
        let parked = restored.parked.iter().map(|parked| parked.seq);
        let needed = parked.chain([restored.position.cursor()]).min();
        lowest = lowest.into_iter().chain(needed).min();
    }
    Ok(lowest)
}

/// The stored form of a position, for statements elsewhere in this store.
pub(super) fn floor_value(lowest: Option<Seq>) -> i64 {
    lowest.map_or(i64::MAX, seq_value)
}
