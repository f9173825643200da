//! Event streams: settings, sealed secrets, the history of their subscriptions.

use domain::catalog::EventType;
use domain::change::{Expect, Revision, Versioned};
use domain::clock::Timestamp;
use domain::delivery::{DisableReason, Position};
use domain::destination::Destination;
use domain::event::Seq;
use domain::ids::{ActionId, StreamId, TenantId};
use domain::place::{Place, Resume, StartFrom};
use domain::stream::{EventStream, StreamOptions, StreamStatus};
use domain::subscription::{Interest, Spans};
use rusqlite::{Connection, OptionalExtension, Params, Row, ToSql, params};

use super::change::put;
use super::rows::{Place as Cell, event_type, json, run, seq_of, seq_value, to_json, unavailable};
use super::writer::Writing;
use super::{
    action_streams, actions, cursors, destinations, partner_event_sources, places, registered_types, seeks, snapshots,
    stream_options,
};
use crate::{Conflict, Keyring, Seek, StoreError, StreamState, StreamsChanged, StreamsVersion};

fn options_context(id: &str) -> String {
    format!("streams/{id}/options")
}

/// The options of a row: their text, and, where they have secrets, those sealed.
fn options_of(keyring: &Keyring, id: &str, text: &str, sealed: Option<&[u8]>) -> Result<StreamOptions, StoreError> {
    let place = |column| Cell { table: "streams", column, row: &id };
    let secrets = match sealed {
        None => stream_options::StoredSecrets::default(),
        Some(sealed) => {
            let place = || place("options_secret");
            let opened = keyring.open(sealed, &options_context(id)).map_err(|_| place().corrupt())?;
            // Its own words for what is wrong could repeat a secret.
            serde_json::from_str(opened.expose()).map_err(|_| place().corrupt())?
        }
    };
    stream_options::join(json(text, place("options"))?, secrets).ok_or_else(|| place("options").corrupt())
}

const INSERT: &str = "INSERT INTO streams
  (stream_id, tenant_id, revision, version, generation, name, status, subscriptions, destination, secret, options,
   options_secret, spans, created_at, updated_at)
  VALUES (?1, ?2, 1, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const UPDATE: &str = "UPDATE streams
  SET revision = revision + 1, version = ?3, name = ?4, status = ?5, subscriptions = ?6, destination = ?7, secret = ?8,
      options = ?9, options_secret = ?10, spans = ?11, updated_at = ?13, generation = generation + (status <> ?5),
      disabled_reason = CASE WHEN status = ?5 THEN disabled_reason END
  WHERE stream_id = ?1 AND tenant_id = ?2 AND revision = ?14 AND created_at = ?12";

/// A new stream starts, and a changed status or subscription holds, at the end of the log as it is now: the
/// writer is alone, so no event can come in between.
pub(super) fn stream_put(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    expect: Expect,
    stream: &EventStream,
) -> Result<(), StoreError> {
    let end = writing.log_end();
    match expect {
        Expect::Absent => insert(writing, tenant, stream, end),
        Expect::At(revision) => {
            let mut spans = stored_spans(writing.connection, &stream.id.to_string())?.ok_or(StoreError::Stale)?;
            spans.begin(end, stream.interest());
            update(writing, tenant, revision, stream, spans)
        }
    }
}

/// That the tenant has fewer streams than `max`.
pub(super) fn streams_below(connection: &Connection, tenant: TenantId, max: u32) -> Result<(), StoreError> {
    let count: u32 = connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM streams WHERE tenant_id = ?1 LIMIT ?2)")
        .and_then(|mut statement| statement.query_row(params![tenant.0, max], |row| row.get(0)))
        .map_err(unavailable("count streams"))?;
    if count < max { Ok(()) } else { Err(StoreError::Conflict(Conflict::StreamsFull)) }
}

/// A new stream that starts elsewhere.
pub(super) fn stream_start(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: &EventStream,
    start: &StartFrom,
) -> Result<(), StoreError> {
    let end = writing.log_end();
    match start {
        StartFrom::Place(place) => {
            let from = places::resolve(writing.connection, *place, end)?;
            insert(writing, tenant, stream, from)
        }
        StartFrom::Snapshot(source) => {
            insert(writing, tenant, stream, end)?;
            snapshots::snapshot_begin(writing, tenant, stream, source)
        }
    }
}

/// A stream is enabled, and gets what it has missed since `resume`.
pub(super) fn stream_resume(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    revision: Revision,
    stream: &EventStream,
    resume: Resume,
) -> Result<(), StoreError> {
    let (id, end) = (stream.id.to_string(), writing.log_end());
    let mut spans = stored_spans(writing.connection, &id)?.ok_or(StoreError::Stale)?;
    let missed = spans.missed_from().unwrap_or(end).max(places::oldest(writing.connection, end)?);
    let from = match resume {
        Resume::Now => end,
        Resume::Position => missed,
        Resume::Time(time) => places::resolve(writing.connection, Place::Time(time), end)?.max(missed),
    };
    spans.begin(from, stream.interest());
    // It may not have come to what it missed yet, or it may have passed over it.
    let to = cursors::position(writing.connection, stream.id)?.map_or(from, |stands| stands.frontier.min(from));
    update(writing, tenant, revision, stream, spans)?;
    cursors::cursor_move(writing.connection, &id, to)?;
    seeks::sought_save(writing.connection, &id, to)
}

/// A stream's columns in the order of the statements above, from its id to its times.
fn columns(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    stream: &EventStream,
    spans: &Spans,
) -> [rusqlite::types::Value; 13] {
    let id = stream.id.to_string();
    let destination = destinations::columns(&stream.destination, &id, writing.keyring, writing.entropy);
    let (options, options_secret) = stream_options::split(&stream.options);
    let options_sealed = options_secret.map(|it| writing.keyring.seal(&it, &options_context(&id), writing.entropy));
    let types: Vec<_> = stream.subscriptions.iter().map(|each| each.stored()).collect();
    let version = i64::try_from(writing.next_streams_version().0).unwrap_or(i64::MAX);
    [
        id.into(),
        i64::from(tenant.0).into(),
        version.into(),
        stream.name.clone().into(),
        stream.status.name().to_owned().into(),
        to_json(&types).into(),
        destination.destination.into(),
        destination.secret.into(),
        options.into(),
        options_sealed.into(),
        spans.to_json().into(),
        stream.created_at.as_millis().into(),
        stream.updated_at.as_millis().into(),
    ]
}

/// Inserts a new stream that stands at `from`.
fn insert(writing: &mut Writing<'_>, tenant: TenantId, stream: &EventStream, from: Seq) -> Result<(), StoreError> {
    registered_types::subscriptions_check(writing.connection, tenant, stream)?;
    actions::destination_check(writing.connection, tenant, &stream.destination)?;
    let spans = Spans::placed(stream, from, writing.log_end());
    let values = columns(writing, tenant, stream, &spans);
    let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
    put(writing, INSERT, &values, Conflict::StreamName)?;
    if let Destination::EventBridge(bridge) = &stream.destination {
        partner_event_sources::stream_created(writing.connection, stream.id, bridge)?;
    }
    cursors::cursor_create(writing.connection, &stream.id.to_string(), &Position::at(from))
}

fn update(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    Revision(current): Revision,
    stream: &EventStream,
    mut spans: Spans,
) -> Result<(), StoreError> {
    registered_types::subscriptions_check(writing.connection, tenant, stream)?;
    if stream.status == StreamStatus::Enabled {
        actions::destination_check(writing.connection, tenant, &stream.destination)?;
    }
    prune(writing.connection, stream.id, &mut spans)?;
    let values = columns(writing, tenant, stream, &spans);
    let mut values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
    values.push(&current);
    // Counts of failures in a row end where a stream is enabled or disabled.
    let reset = "UPDATE cursors SET failures_in_row = 0
                 WHERE stream_id = ?1 AND ?2 <> (SELECT status FROM streams s WHERE s.stream_id = ?1)";
    run(writing.connection, reset, params![stream.id.to_string(), stream.status.name()])?;
    put(writing, UPDATE, &values, Conflict::StreamName)
}

fn stored_spans(connection: &Connection, id: &str) -> Result<Option<Spans>, StoreError> {
    let found: Option<String> = connection
        .prepare_cached("SELECT spans FROM streams WHERE stream_id = ?1")
        .and_then(|mut statement| statement.query_row(params![id], |row| row.get(0)).optional())
        .map_err(unavailable("read a stream"))?;
    found.map(|text| spans_of(&text, id)).transpose()
}

fn spans_of(text: &str, id: &str) -> Result<Spans, StoreError> {
    Spans::from_json(text).ok_or_else(|| Cell { table: "streams", column: "spans", row: &id }.corrupt())
}

/// Forgets what a stream's spans need not say any more.
pub(super) fn prune(connection: &Connection, id: StreamId, spans: &mut Spans) -> Result<(), StoreError> {
    if let Some(position) = cursors::position(connection, id)? {
        spans.prune(position.cursor(), places::oldest(connection, Seq::ZERO)?);
    }
    Ok(())
}

/// Saves other spans of a stream, and has delivery hear of it.
pub(super) fn spans_save(writing: &mut Writing<'_>, id: StreamId, mut spans: Spans) -> Result<(), StoreError> {
    prune(writing.connection, id, &mut spans)?;
    let version = writing.next_streams_version();
    let sql = "UPDATE streams SET spans = ?2, version = ?3 WHERE stream_id = ?1";
    run(writing.connection, sql, params![id.to_string(), spans.to_json(), version.0]).map(|_| ())
}

pub(super) fn stream_removed(writing: &mut Writing<'_>, id: StreamId) -> Result<(), StoreError> {
    partner_event_sources::stream_removed(writing.connection, id)?;
    let version = writing.next_streams_version();
    let sql = "INSERT OR REPLACE INTO stream_removals VALUES (?1, ?2)";
    run(writing.connection, sql, &[&id.to_string(), &version.0]).map(|_| ())
}

/// Disables a stream that keeps failing, unless somebody has enabled or disabled it meanwhile; answers whether it did.
pub(super) fn stream_disable(
    writing: &mut Writing<'_>,
    id: StreamId,
    generation: u64,
    reason: DisableReason,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let text = id.to_string();
    if !is_enabled_at(writing.connection, &text, generation)? {
        return Ok(false);
    }
    let Some(mut spans) = stored_spans(writing.connection, &text)? else { return Ok(false) };
    spans.begin(writing.log_end(), Interest::Missed);
    let version = writing.next_streams_version();
    let sql = "UPDATE streams SET status = 'disabled', disabled_reason = ?2, spans = ?3, version = ?4, updated_at = ?5,
                 revision = revision + 1, generation = generation + 1
               WHERE stream_id = ?1";
    let values = params![text, reason.name(), spans.to_json(), version.0, now.as_millis()];
    run(writing.connection, sql, values)?;
    tracing::warn!(stream = %id, reason = reason.name(), "a stream was disabled because it keeps failing");
    Ok(true)
}

fn is_enabled_at(connection: &Connection, id: &str, generation: u64) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM streams WHERE stream_id = ?1 AND generation = ?2 AND status = 'enabled'")
        .and_then(|mut statement| statement.exists(params![id, generation]))
        .map_err(unavailable("read a stream"))
}

const COLUMNS: &str = "SELECT stream_id, tenant_id, revision, generation, name, status, subscriptions, destination,
  secret, spans, created_at, updated_at, options, seeks, sought, options_secret FROM streams";

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
    let options: String = row.get(12)?;
    let seek = Seek { count: row.get(13)?, to: seq_of(row, 14)? };
    let options_sealed: Option<Vec<u8>> = row.get(15)?;
    let place = |column| Cell { table: "streams", column, row: &id };
    let read = || {
        let names: Vec<String> = json(&types, place("subscriptions"))?;
        let subscriptions = names
            .iter()
            .map(|name| event_type(name, place("subscriptions")))
            .collect::<Result<Vec<EventType>, StoreError>>()?;
        let stream = EventStream {
            id: StreamId::parse(&id).map_err(|_| place("stream_id").corrupt())?,
            name,
            status: StreamStatus::from_name(&status).ok_or_else(|| place("status").corrupt())?,
            subscriptions,
            destination: destinations::destination_of(&destination, &sealed, &id, keyring)?,
            options: options_of(keyring, &id, &options, options_sealed.as_deref())?,
            created_at,
            updated_at,
        };
        let spans = spans_of(&spans, &id)?;
        Ok(StoredStream { revision, state: StreamState { tenant, stream, spans, generation, seek } })
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
    let found = stored(connection, keyring, tenant, id)?;
    Ok(found.map(|stored| Versioned { revision: stored.revision, value: stored.state.stream }))
}

/// A stream as delivery needs it.
pub(super) fn state(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    id: StreamId,
) -> Result<Option<StreamState>, StoreError> {
    Ok(stored(connection, keyring, tenant, id)?.map(|stored| stored.state))
}

fn stored(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    id: StreamId,
) -> Result<Option<StoredStream>, StoreError> {
    let filter = "WHERE tenant_id = ?1 AND stream_id = ?2";
    Ok(query(connection, keyring, filter, params![tenant.0, id.to_string()])?.pop())
}

/// The streams that have an action as their destination, in the order of their ids.
pub(super) fn streams_of_action(
    connection: &Connection,
    keyring: &Keyring,
    tenant: TenantId,
    action: ActionId,
) -> Result<Vec<Versioned<EventStream>>, StoreError> {
    let filter = format!("WHERE tenant_id = ?1 AND {} ORDER BY stream_id", action_streams::USES_2);
    let found = query(connection, keyring, &filter, params![tenant.0, action.to_string()])?;
    Ok(found.into_iter().map(|stored| Versioned { revision: stored.revision, value: stored.state.stream }).collect())
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
            StreamId::parse(&id).map_err(|_| Cell { table: "streams", column: "stream_id", row: &id }.corrupt())?;
        let needed = cursors::lowest_needed(connection, id)?;
        lowest = lowest.into_iter().chain(needed).min();
    }
    Ok(lowest)
}

/// The stored form of a position, for statements elsewhere in this store.
pub(super) fn floor_value(lowest: Option<Seq>) -> i64 {
    lowest.map_or(i64::MAX, seq_value)
}
