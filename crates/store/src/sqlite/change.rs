//! Committing a change: its writes, each checked against the revision it was computed from, and its events.

use domain::change::{Change, Expect, Revision, Write};
use domain::ids::TenantId;
use rusqlite::{ErrorCode, ToSql};

use super::rows::unavailable;
use super::writer::Writing;
use super::{
    accounts, actions, connections, erasures, groups, identities, organizations, resource_servers, roles, scim,
    snapshots, streams, users,
};
use crate::{Conflict, StoreError};

pub(super) fn change_commit(writing: &mut Writing<'_>, tenant: TenantId, change: Change) -> Result<(), StoreError> {
    if change.writes.iter().any(|write| matches!(write, Write::UserErase(..))) {
        return erasures::securely(writing, |writing| commit(writing, tenant, change));
    }
    commit(writing, tenant, change)
}

fn commit(writing: &mut Writing<'_>, tenant: TenantId, change: Change) -> Result<(), StoreError> {
    let raised_at = change.events.first().map(|event| event.time);
    for write in change.writes {
        match write {
            Write::UserPut(expect, user) => {
                if expect != Expect::Absent {
                    snapshots::user_changes(writing, tenant, &user.user_id, raised_at.unwrap_or(user.updated_at))?;
                }
                users::user_put(writing, tenant, expect, &user)?;
            }
            Write::UserDelete(revision, id) => {
                snapshots::user_changes(writing, tenant, &id, raised_at.unwrap_or_default())?;
                delete(writing, "users", "user_id", tenant, id.as_str(), revision)?;
            }
            Write::UserErase(id, now) => erasures::erasure_begin(writing, tenant, &id, now)?,
            Write::ClientPut(expect, client) => {
                writing.accounts_changed();
                accounts::client_put(writing, tenant, expect, &client)?;
            }
            Write::ClientDelete(revision, id) => {
                writing.accounts_changed();
                delete(writing, "clients", "client_id", tenant, id.as_str(), revision)?;
                accounts::grants_delete_of(writing, tenant, &id)?;
            }
            Write::GrantPut(expect, grant) => accounts::grant_put(writing, tenant, expect, &grant)?,
            Write::GrantDelete(revision, id) => {
                delete(writing, "client_grants", "grant_id", tenant, id.as_str(), revision)?;
            }
            Write::ConnectionPut(expect, connection) => {
                writing.accounts_changed();
                snapshots::connection_changes(writing, tenant, &connection.id, raised_at.unwrap_or_default())?;
                connections::connection_put(writing, tenant, expect, &connection)?;
            }
            Write::ConnectionDelete(revision, id) => {
                writing.accounts_changed();
                snapshots::connection_changes(writing, tenant, &id, raised_at.unwrap_or_default())?;
                delete(writing, "connections", "connection_id", tenant, id.as_str(), revision)?;
            }
            Write::Scim(write) => scim::write(writing, tenant, write)?,
            Write::Group(write) => {
                snapshots::group_changes(writing, tenant, &write, raised_at.unwrap_or_default())?;
                groups::write(writing, tenant, write)?;
            }
            Write::Identity(write) => {
                identities::identity_write(writing, tenant, &write, raised_at.unwrap_or_default())?;
            }
            Write::Action(write) => actions::action_write(writing, tenant, &write)?,
            Write::ResourceServer(write) => resource_servers::resource_server_write(writing, tenant, &write)?,
            Write::Role(write) => roles::role_write(writing, tenant, &write)?,
            Write::Organization(write) => {
                snapshots::organization_changes(writing, tenant, &write, raised_at.unwrap_or_default())?;
                organizations::organization_write(writing, tenant, &write)?;
            }
            Write::StreamPut(expect, stream) => streams::stream_put(writing, tenant, expect, &stream)?,
            Write::StreamsBelow(max) => streams::streams_below(writing.connection, tenant, max)?,
            Write::StreamStart(stream, start) => streams::stream_start(writing, tenant, &stream, &start)?,
            Write::StreamResume(revision, stream, resume) => {
                streams::stream_resume(writing, tenant, revision, &stream, resume)?;
            }
            Write::StreamDelete(revision, id) => {
                delete(writing, "streams", "stream_id", tenant, &id.to_string(), revision)?;
                streams::stream_removed(writing, id)?;
            }
        }
    }
    for event in change.events {
        writing.append(tenant, event)?;
    }
    Ok(())
}

/// The revision to store, and the one that must be there now (none for a new entity).
pub(super) fn revisions(expect: Expect) -> (u64, Option<u64>) {
    match expect {
        Expect::Absent => (1, None),
        Expect::At(Revision(revision)) => (revision + 1, Some(revision)),
    }
}

/// Runs an insert or an update of one row. Changing none means that somebody else was faster.
pub(super) fn put(writing: &Writing<'_>, sql: &str, values: &[&dyn ToSql], taken: Conflict) -> Result<(), StoreError> {
    let outcome = writing.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values));
    match outcome {
        Ok(0) => Err(StoreError::Stale),
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::Conflict(taken))
        }
        Err(error) => Err(unavailable("write to its database")(error)),
    }
}

/// Runs an insert of one row between others that must be there. Changing none means that one of them has gone, or is
/// not at the revision that was expected; a row that is there already, that somebody else was faster.
pub(super) fn add(writing: &Writing<'_>, sql: &str, values: &[&dyn ToSql]) -> Result<(), StoreError> {
    match writing.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(values)) {
        Ok(0) => Err(StoreError::Stale),
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Err(StoreError::Stale),
        Err(error) => Err(unavailable("write to its database")(error)),
    }
}

/// Runs a deletion of one row that must be there.
pub(super) fn remove(writing: &Writing<'_>, sql: &str, values: &[&dyn ToSql]) -> Result<(), StoreError> {
    let removed = super::rows::run(writing.connection, sql, values)?;
    if removed == 0 { Err(StoreError::Stale) } else { Ok(()) }
}

pub(super) fn delete(
    writing: &Writing<'_>,
    table: &str,
    id_column: &str,
    tenant: TenantId,
    id: &str,
    revision: Revision,
) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {table} WHERE tenant_id = ?1 AND {id_column} = ?2 AND revision = ?3");
    remove(writing, &sql, &[&tenant.0, &id, &revision.0])
}
