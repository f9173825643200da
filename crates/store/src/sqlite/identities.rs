//! Who is an identity of whom: the row of a linked user keeps the id and the addresses taken, and is nothing else.

use domain::change::{IdentityWrite, Revision};
use domain::clock::Timestamp;
use domain::ids::{TenantId, UserId};
use rusqlite::{OptionalExtension, params};

use super::change::{add, remove};
use super::rows::{run, unavailable};
use super::users::NEXT_NUMBER;
use super::writer::Writing;
use super::{change, snapshots};
use crate::StoreError;

/// Writes who is an identity of whom, at `now`.
pub(super) fn identity_write(
    writing: &mut Writing<'_>,
    tenant: TenantId,
    write: &IdentityWrite,
    now: Timestamp,
) -> Result<(), StoreError> {
    match write {
        IdentityWrite::Link(revision, secondary, primary) => {
            snapshots::user_changes(writing, tenant, secondary, now)?;
            link(writing, tenant, *revision, secondary, primary)
        }
        IdentityWrite::Unlink(linked, primary) => {
            let sql = "DELETE FROM users WHERE tenant_id = ?1 AND user_id = ?2
                       AND linked_to = (SELECT number FROM users WHERE tenant_id = ?1 AND user_id = ?3)";
            remove(writing, sql, params![tenant.0, linked.as_str(), primary.as_str()])
        }
    }
}

/// The columns by which a user is unique.
struct Taken {
    connection: String,
    email: Option<String>,
    username: Option<String>,
    phone_number: Option<String>,
}

fn link(
    writing: &Writing<'_>,
    tenant: TenantId,
    revision: Revision,
    secondary: &UserId,
    primary: &UserId,
) -> Result<(), StoreError> {
    let sql = "SELECT connection, email, username, phone_number FROM users
               WHERE tenant_id = ?1 AND user_id = ?2 AND linked_to IS NULL";
    let found = writing
        .connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            let read = |row: &rusqlite::Row<'_>| {
                let (connection, email) = (row.get(0)?, row.get(1)?);
                Ok(Taken { connection, email, username: row.get(2)?, phone_number: row.get(3)? })
            };
            statement.query_row(params![tenant.0, secondary.as_str()], read).optional()
        })
        .map_err(unavailable("read a user"))?;
    let taken = found.ok_or(StoreError::Stale)?;
    let sql = "UPDATE users SET linked_to = (SELECT number FROM users WHERE tenant_id = ?1 AND user_id = ?3)
               WHERE linked_to = (SELECT number FROM users WHERE tenant_id = ?1 AND user_id = ?2)";
    run(writing.connection, sql, params![tenant.0, secondary.as_str(), primary.as_str()])?;
    // What belongs to the user goes with the row; another one takes its place.
    change::delete(writing, "users", "user_id", tenant, secondary.as_str(), revision)?;
    let sql = format!(
        "INSERT INTO users (number, tenant_id, user_id, revision, connection, email, username, phone_number, document,
                            linked_to)
         SELECT {NEXT_NUMBER}, ?1, ?2, 1, ?4, ?5, ?6, ?7, '', number FROM users
         WHERE tenant_id = ?1 AND user_id = ?3 AND linked_to IS NULL"
    );
    let Taken { connection, email, username, phone_number } = taken;
    let (secondary, primary) = (secondary.as_str(), primary.as_str());
    add(writing, &sql, params![tenant.0, secondary, primary, connection, email, username, phone_number])
}
