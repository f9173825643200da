//! Snapshots: telling one stream, in the log itself, of everything that existed when it was created.
//!
//! A snapshot is as of the position at which its stream was created. What there is is told of in steps, kind by kind and
//! by number, beside whatever else is written. Something that is about to change before the step that comes to it is told
//! of first, by the change itself and in its transaction, and what it is in before that. So the log has everything that
//! existed at that position once, as it was then, before any other event about it that the stream gets. What is created
//! later has greater numbers and is not told of: it has an event of its own. What goes along with something that is
//! deleted (the members of an organization) is not told of any more, as it raises no event either.

mod groups;
mod kinds;

use domain::change::{Member, OrganizationWrite, SnapshotOf};
use domain::clock::Timestamp;
use domain::event::Source;
use domain::ids::{ConnectionId, RoleId, StreamId, TenantId, UserId};
use domain::stream::EventStream;
use rusqlite::{Connection, Row, ToSql, params};

pub(super) use self::groups::group_changes;
use self::kinds::{Kind, Numbered};
use super::rows::{Place, query, run, text_of, unavailable};
use super::writer::Writing;
use crate::{SnapshotStep, StoreError};

/// Begins the snapshot of a stream that is being created: of the kinds that it subscribes to being told of.
pub(super) fn snapshot_begin(
    writing: &Writing<'_>,
    tenant: TenantId,
    stream: &EventStream,
    source: &Source,
) -> Result<(), StoreError> {
    let types = stream.event_types();
    let kinds = Kind::ALL.iter().filter(|kind| types.contains(kind.event_type()));
    let id = stream.id.to_string();
    for (index, kind) in kinds.enumerate() {
        if index == 0 {
            let values = params![id, tenant.0, source.tenant_name, source.urn, stream.created_at.as_millis()];
            run(writing.connection, "INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5)", values)?;
        }
        let sql =
            format!("INSERT INTO snapshot_kinds SELECT ?1, ?2, 0, coalesce(max(number), 0) FROM {}", kind.table());
        run(writing.connection, &sql, params![id, *kind as u8])?;
    }
    Ok(())
}

struct Snapshot {
    stream: StreamId,
    tenant: TenantId,
    source: Source,
    as_of: Timestamp,
}

/// How far a snapshot has come with one kind.
struct Progress {
    kind: Kind,
    told: i64,
    last: i64,
}

const COLUMNS: &str = "SELECT stream_id, tenant_id, tenant_name, source, as_of FROM snapshots";

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
    }))
}

fn progress_of(row: &Row<'_>) -> rusqlite::Result<Result<Progress, StoreError>> {
    let number: u8 = row.get(0)?;
    let Some(kind) = Kind::from_number(number) else {
        return Ok(Err(Place { table: "snapshot_kinds", column: "kind", row: &number }.corrupt()));
    };
    Ok(Ok(Progress { kind, told: row.get(1)?, last: row.get(2)? }))
}

impl Snapshot {
    /// Tells of a row, unless that has been done before its turn. Before its turn, it is noted.
    fn tell(
        &self,
        writing: &mut Writing<'_>,
        kind: Kind,
        row: &Numbered,
        now: Timestamp,
        turn: Turn,
    ) -> Result<(), StoreError> {
        let id = self.stream.to_string();
        let told = writing
            .connection
            .prepare_cached("SELECT 1 FROM snapshot_told WHERE stream_id = ?1 AND kind = ?2 AND number = ?3")
            .and_then(|mut statement| statement.exists(params![id, kind as u8, row.number]))
            .map_err(unavailable("read a snapshot"))?;
        if told {
            return Ok(());
        }
        let of = SnapshotOf { stream: self.stream, source: &self.source, as_of: self.as_of };
        let Some(event) = of.event(&row.stored, now) else { return Ok(()) };
        writing.append_for(self.stream, self.tenant, event)?;
        if turn == Turn::Before {
            let values = params![id, kind as u8, row.number];
            run(writing.connection, "INSERT INTO snapshot_told VALUES (?1, ?2, ?3)", values)?;
        }
        Ok(())
    }

    /// How far it has come with a kind, if it is not done with it.
    fn progress(&self, connection: &Connection, kind: Kind) -> Result<Option<Progress>, StoreError> {
        let sql = "SELECT kind, told, last FROM snapshot_kinds WHERE stream_id = ?1 AND kind = ?2";
        Ok(query(connection, sql, params![self.stream.to_string(), kind as u8], progress_of)?.pop())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Its,
    Before,
}

/// Rows that are about to change, or to get something new in them: those of a kind for which a condition holds.
type Touched<'a> = (Kind, &'a str, &'a [&'a dyn ToSql]);

/// Tells the snapshots under way of what is about to change, or to go, at `now`, in the order given.
fn tell_before(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    touched: &[Touched<'_>],
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!("{COLUMNS} WHERE tenant_id = ?1");
    let snapshots = query(writing.connection, &sql, params![tenant.0], snapshot_of)?;
    if snapshots.is_empty() {
        return Ok(());
    }
    for (kind, condition, values) in touched {
        let rows = kind.rows(writing, condition, values)?;
        for snapshot in &snapshots {
            let Some(progress) = snapshot.progress(writing.connection, *kind)? else { continue };
            for row in rows.iter().filter(|row| row.number > progress.told && row.number <= progress.last) {
                snapshot.tell(writing, *kind, row, now, Turn::Before)?;
            }
        }
    }
    Ok(())
}

/// Before a user changes, or goes.
pub(super) fn user_changes(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    id: &UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let user: Touched<'_> = (Kind::Users, "x.tenant_id = ?1 AND x.user_id = ?2", params![tenant.0, id.as_str()]);
    tell_before(writing, tenant, &[user], now)
}

/// Before a connection changes, or goes.
pub(super) fn connection_changes(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    id: &ConnectionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let condition = "x.tenant_id = ?1 AND x.connection_id = ?2";
    let connection: Touched<'_> = (Kind::Connections, condition, params![tenant.0, id.as_str()]);
    tell_before(writing, tenant, &[connection], now)
}

const ORGANIZATION: &str = "x.tenant_id = ?1 AND x.organization_id = ?2";
const CONNECTION: &str = "x.organization_number =
    (SELECT number FROM organizations WHERE tenant_id = ?1 AND organization_id = ?2) AND c.connection_id = ?3";
const MEMBER: &str = "x.organization_number =
    (SELECT number FROM organizations WHERE tenant_id = ?1 AND organization_id = ?2)
    AND x.user_number = (SELECT number FROM users WHERE tenant_id = ?1 AND user_id = ?3)";
const MEMBER_ROLE: &str = "x.member_number = (SELECT em.number FROM organization_members em
      JOIN organizations eo ON eo.number = em.organization_number JOIN users eu ON eu.number = em.user_number
      WHERE eo.tenant_id = ?1 AND eo.organization_id = ?2 AND eu.tenant_id = ?1 AND eu.user_id = ?3)
    AND r.role_id = ?4";

/// Before something about an organization is written: it is told of first, then what is in it, as far as the write is
/// about that.
pub(super) fn organization_changes(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    write: &OrganizationWrite,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (organization, inside) = match write {
        OrganizationWrite::Put(_, organization) => (&organization.id, Inside::Nothing),
        OrganizationWrite::Delete(_, id) | OrganizationWrite::MemberAdd(_, id, _) => (id, Inside::Nothing),
        OrganizationWrite::MemberRemove(_, id, user) => (id, Inside::Member(user, None)),
        OrganizationWrite::MemberRoleAssign(Member { organization, user }, ..) => {
            (organization, Inside::Member(user, None))
        }
        OrganizationWrite::MemberRoleRemove(Member { organization, user }, _, role) => {
            (organization, Inside::Member(user, Some(role)))
        }
        OrganizationWrite::ConnectionPut(_, _, id, connection) => (id, Inside::Connection(&connection.connection_id)),
        OrganizationWrite::ConnectionRemove(_, _, id, connection) => (id, Inside::Connection(connection)),
    };
    let id = organization.as_str();
    let whole: Touched<'_> = (Kind::Organizations, ORGANIZATION, params![tenant.0, id]);
    match inside {
        Inside::Nothing => tell_before(writing, tenant, &[whole], now),
        Inside::Connection(connection) => {
            let values = params![tenant.0, id, connection.as_str()];
            tell_before(writing, tenant, &[whole, (Kind::OrganizationConnections, CONNECTION, values)], now)
        }
        Inside::Member(user, None) => {
            let values = params![tenant.0, id, user.as_str()];
            tell_before(writing, tenant, &[whole, (Kind::Members, MEMBER, values)], now)
        }
        Inside::Member(user, Some(role)) => {
            let member: Touched<'_> = (Kind::Members, MEMBER, params![tenant.0, id, user.as_str()]);
            let values = params![tenant.0, id, user.as_str(), role.as_str()];
            tell_before(writing, tenant, &[whole, member, (Kind::MemberRoles, MEMBER_ROLE, values)], now)
        }
    }
}

/// What of an organization a write is about.
enum Inside<'a> {
    Nothing,
    Connection(&'a ConnectionId),
    Member(&'a UserId, Option<&'a RoleId>),
}

pub(super) fn snapshot_streams(connection: &Connection) -> Result<Vec<StreamId>, StoreError> {
    let found = query(connection, COLUMNS, [], snapshot_of)?;
    Ok(found.into_iter().map(|snapshot| snapshot.stream).collect())
}

/// Looks at the next `most` rows of a kind. While the stream is disabled it waits: what it is told then, it would miss.
pub(super) fn snapshot_step(
    writing: &mut Writing<'_>,
    stream: StreamId,
    now: Timestamp,
    most: u32,
) -> Result<SnapshotStep, StoreError> {
    let id = stream.to_string();
    let sql = format!("{COLUMNS} WHERE stream_id = ?1");
    let Some(snapshot) = query(writing.connection, &sql, params![id], snapshot_of)?.pop() else {
        return Ok(SnapshotStep::Done);
    };
    if !is_enabled(writing.connection, &id)? {
        return Ok(SnapshotStep::Waiting);
    }
    let sql = "SELECT kind, told, last FROM snapshot_kinds WHERE stream_id = ?1 ORDER BY kind LIMIT 2";
    let mut kinds = query(writing.connection, sql, params![id], progress_of)?.into_iter();
    let Some(Progress { kind, told, last }) = kinds.next() else { return end(writing, &id) };
    // Of all tenants, so that a step is bounded however few of them are the snapshot's.
    let condition = "x.number > ?1 AND x.number <= ?2 ORDER BY x.number LIMIT ?3";
    let rows = kind.rows(writing, condition, params![told, last, most])?;
    for row in rows.iter().filter(|row| row.tenant == snapshot.tenant) {
        snapshot.tell(writing, kind, row, now, Turn::Its)?;
    }
    let told = rows.last().filter(|_| rows.len() == most as usize).map_or(last, |row| row.number);
    if told >= last {
        let values = params![id, kind as u8];
        run(writing.connection, "DELETE FROM snapshot_kinds WHERE stream_id = ?1 AND kind = ?2", values)?;
        return if kinds.next().is_some() { Ok(SnapshotStep::More) } else { end(writing, &id) };
    }
    let values = params![id, kind as u8, told];
    run(writing.connection, "UPDATE snapshot_kinds SET told = ?3 WHERE stream_id = ?1 AND kind = ?2", values)?;
    let sql = "DELETE FROM snapshot_told WHERE stream_id = ?1 AND kind = ?2 AND number <= ?3";
    run(writing.connection, sql, values)?;
    Ok(SnapshotStep::More)
}

fn end(writing: &Writing<'_>, id: &str) -> Result<SnapshotStep, StoreError> {
    run(writing.connection, "DELETE FROM snapshots WHERE stream_id = ?1", params![id])?;
    Ok(SnapshotStep::Done)
}

fn is_enabled(connection: &Connection, id: &str) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT 1 FROM streams WHERE stream_id = ?1 AND status = 'enabled'")
        .and_then(|mut statement| statement.exists(params![id]))
        .map_err(unavailable("read a stream"))
}
