//! Committing a change: its writes, each checked against the revision it was computed from, and its events.

use domain::change::{Change, Expect, Revision, Write};
use domain::ids::TenantId;
use rusqlite::{ErrorCode, ToSql};

use super::rows::unavailable;
use super::writer::Writing;
use super::{accounts, streams, users};
use crate::{Conflict, StoreError};

pub(super) fn change_commit(writing: &mut Writing<'_>, tenant: TenantId, change: Change) -> Result<(), StoreError> {
    for write in change.writes {
        match write {
            Write::UserPut(expect, user) => users::user_put(writing, tenant, expect, &user)?,
            Write::UserDelete(revision, id) => {
                delete(writing, "users", "user_id", tenant, id.as_str(), revision)?;
            }
            Write::ClientPut(expect, client) => accounts::client_put(writing, tenant, expect, &client)?,
            Write::ClientDelete(revision, id) => {
                delete(writing, "clients", "client_id", tenant, id.as_str(), revision)?;
                accounts::grants_delete_of(writing, tenant, &id)?;
            }
            Write::GrantPut(expect, grant) => accounts::grant_put(writing, tenant, expect, &grant)?,
            Write::GrantDelete(revision, id) => {
                delete(writing, "client_grants", "grant_id", tenant, id.as_str(), revision)?;
            }
            Write::ConnectionPut(expect, connection) => {
                accounts::connection_put(writing, tenant, expect, &connection)?;
            }
            Write::ConnectionDelete(revision, id) => {
                delete(writing, "connections", "connection_id", tenant, id.as_str(), revision)?;
            }
            Write::StreamPut(expect, stream) => streams::stream_put(writing, tenant, expect, &stream)?,
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

fn delete(
    writing: &Writing<'_>,
    table: &str,
    id_column: &str,
    tenant: TenantId,
    id: &str,
    revision: Revision,
) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {table} WHERE tenant_id = ?1 AND {id_column} = ?2 AND revision = ?3");
    let deleted = super::rows::run(writing.connection, &sql, &[&tenant.0, &id, &revision.0])?;
    if deleted == 0 { Err(StoreError::Stale) } else { Ok(()) }
}
