//! Snapshots: telling one stream, in the log itself, of every user who existed when it was created.
//!
//! A snapshot is as of the position at which its stream was created. Users are told of in steps, by number,
//! beside whatever else is written. One who is about to change before the step that comes to them is told of
//! first, by the change itself and in its transaction. So the log has every user who existed at that position
//! once, as they were then, before any other event about them that the stream gets. Users who are created
//! later have greater numbers (`users.rs` sees to that) and are not told of: they have an event of their own.

use domain::change::{Revision, Versioned, user_snapshot};
use domain::clock::Timestamp;
use domain::event::{Event, Source};
use domain::ids::{StreamId, TenantId, UserId};
use domain::stream::EventStream;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{Place, run, text_of, unavailable};
use super::users::user_of;
use super::writer::Writing;
use crate::{SnapshotStep, StoreError};

/// Begins the snapshot of a stream that is being created. One that does not subscribe to what it would be told
/// needs none.
pub(super) fn snapshot_begin(
    writing: &Writing<'_>,
    tenant: TenantId,
    stream: &EventStream,
    source: &Source,
) -> Result<(), StoreError> {
    if !stream.event_types().contains(domain::catalog::EventType::UserCreated) {
        return Ok(());
    }
    let sql = "INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5, 0, (SELECT coalesce(max(number), 0) FROM users))";
    let as_of = stream.created_at.as_millis();
    let values = params![stream.id.to_string(), tenant.0, source.tenant_name, source.urn, as_of];
    run(writing.connection, sql, values).map(|_| ())
}

struct Snapshot {
    stream: StreamId,
    tenant: TenantId,
    source: Source,
    as_of: Timestamp,
    told: i64,
    last: i64,
}

const COLUMNS: &str = "SELECT stream_id, tenant_id, tenant_name, source, as_of, told, last FROM snapshots";

fn snapshot_of(row: &Row<'_>) -> rusqlite::Result<Result<Snapshot, StoreError>> {
    let id = text_of(row, 0)?;
    let Ok(stream) = StreamId::parse(id) else {
        return Ok(Err(Place { table: "snapshots", column: "stream_id", row: &id }.corrupt()));
    };
    Ok(Ok(Snapshot {
        stream,
        tenant: TenantId(row.get(1)?),
        source: Source { tenant_name: row.get(2)?, urn: row.get(3)? },
        as_of: Timestamp::from_millis(row.get(4)?),
        told: row.get(5)?,
        last: row.get(6)?,
    }))
}

/// A user with the number that the steps go by.
struct Numbered {
    number: i64,
    tenant: TenantId,
    id: String,
    revision: u64,
    document: String,
}

fn numbered_of(row: &Row<'_>) -> rusqlite::Result<Numbered> {
    Ok(Numbered {
        number: row.get(0)?,
        tenant: TenantId(row.get(1)?),
        id: row.get(2)?,
        revision: row.get(3)?,
        document: row.get(4)?,
    })
}

impl Snapshot {
    fn event(&self, user: &Numbered, now: Timestamp) -> Result<Event, StoreError> {
        let value = user_of(&user.id, &user.document)?;
        let stored = Versioned { revision: Revision(user.revision), value };
        Ok(user_snapshot(&stored, self.stream, &self.source, self.as_of, now))
    }

    /// Whether a user has been told of before their turn.
    fn has_told(&self, connection: &Connection, number: i64) -> Result<bool, StoreError> {
        connection
            .prepare_cached("SELECT 1 FROM snapshot_users WHERE stream_id = ?1 AND number = ?2")
            .and_then(|mut statement| statement.exists(params![self.stream.to_string(), number]))
            .map_err(unavailable("read a snapshot"))
    }
}

/// Tells the snapshots under way of a user who is about to change, or to go, at `now`.
pub(super) fn user_changes(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    id: &UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let snapshots = of_tenant(writing.connection, tenant)?;
    if snapshots.is_empty() {
        return Ok(());
    }
    let sql = "SELECT number, tenant_id, user_id, revision, document FROM users WHERE tenant_id = ?1 AND user_id = ?2";
    let found = writing
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params![tenant.0, id.as_str()], numbered_of).optional())
        .map_err(unavailable("read a user"))?;
    let Some(user) = found else { return Ok(()) };
    for snapshot in snapshots {
        let due = user.number > snapshot.told && user.number <= snapshot.last;
        if due && !snapshot.has_told(writing.connection, user.number)? {
            writing.append_for(snapshot.stream, tenant, snapshot.event(&user, now)?)?;
            let sql = "INSERT INTO snapshot_users VALUES (?1, ?2)";
            run(writing.connection, sql, params![snapshot.stream.to_string(), user.number])?;
        }
    }
    Ok(())
}

fn of_tenant(connection: &Connection, tenant: TenantId) -> Result<Vec<Snapshot>, StoreError> {
    connection
        .prepare_cached(&format!("{COLUMNS} WHERE tenant_id = ?1"))
        .and_then(|mut statement| statement.query_map(params![tenant.0], snapshot_of)?.collect::<Result<Vec<_>, _>>())
        .map_err(unavailable("read snapshots"))?
        .into_iter()
        .collect()
}

pub(super) fn snapshot_streams(connection: &Connection) -> Result<Vec<StreamId>, StoreError> {
    let ids: Vec<String> = connection
        .prepare_cached("SELECT stream_id FROM snapshots")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(unavailable("read snapshots"))?;
    Ok(ids.iter().filter_map(|id| StreamId::parse(id).ok()).collect())
}

/// Looks at the next `most` users. While the stream is disabled it waits: what it is told then, it would miss.
pub(super) fn snapshot_step(
    writing: &mut Writing<'_>,
    stream: StreamId,
    now: Timestamp,
    most: u32,
) -> Result<SnapshotStep, StoreError> {
    let id = stream.to_string();
    let found = writing
        .connection
        .prepare_cached(&format!("{COLUMNS} WHERE stream_id = ?1"))
        .and_then(|mut statement| statement.query_row(params![id], snapshot_of).optional())
        .map_err(unavailable("read a snapshot"))?;
    let Some(snapshot) = found.transpose()? else { return Ok(SnapshotStep::Done) };
    if !is_enabled(writing.connection, &id)? {
        return Ok(SnapshotStep::Waiting);
    }
    let users = users_after(writing.connection, snapshot.told, snapshot.last, most)?;
    for user in users.iter().filter(|user| user.tenant == snapshot.tenant) {
        if !snapshot.has_told(writing.connection, user.number)? {
            writing.append_for(stream, snapshot.tenant, snapshot.event(user, now)?)?;
        }
    }
    let told = users.last().map_or(snapshot.last, |last| last.number);
    if told >= snapshot.last {
        run(writing.connection, "DELETE FROM snapshots WHERE stream_id = ?1", params![id])?;
        return Ok(SnapshotStep::Done);
    }
    run(writing.connection, "UPDATE snapshots SET told = ?2 WHERE stream_id = ?1", params![id, told])?;
    run(writing.connection, "DELETE FROM snapshot_users WHERE stream_id = ?1 AND number <= ?2", params![id, told])?;
    Ok(SnapshotStep::More)
}

fn is_enabled(connection: &Connection, id: &str) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM streams WHERE stream_id = ?1 AND status = 'enabled'")
        .and_then(|mut statement| statement.exists(params![id]))
        .map_err(unavailable("read a stream"))
}

/// The next users of all tenants, so that a step is bounded however few of them are the snapshot's.
fn users_after(connection: &Connection, told: i64, last: i64, most: u32) -> Result<Vec<Numbered>, StoreError> {
    let sql = "SELECT number, tenant_id, user_id, revision, document FROM users
               WHERE number > ?1 AND number <= ?2 ORDER BY number LIMIT ?3";
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_map(params![told, last, most], numbered_of)?.collect())
        .map_err(unavailable("read users"))
}
