//! Users.

use domain::change::{Expect, Revision, Versioned};
use domain::ids::{TenantId, UserId};
use domain::user::User;
use rusqlite::{Connection, OptionalExtension, params};

use super::change::{put, revisions};
use super::rows::{Place, json, to_json, unavailable};
use super::writer::Writing;
use crate::{Conflict, Page, StoreError};

macro_rules! next_number {
    () => {
        "1 + max((SELECT coalesce(max(number), 0) FROM users),
                 (SELECT coalesce(max(last), 0) FROM snapshot_kinds WHERE kind = 0))"
    };
}

/// The number of a new user, which is never lower than those that a snapshot has still to come to, also when the last
/// user has gone.
pub(super) const NEXT_NUMBER: &str = next_number!();
const INSERT: &str = concat!(
    "INSERT INTO users (number, tenant_id, user_id, revision, connection, email, username, phone_number, document)
     VALUES (",
    next_number!(),
    ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
);
const UPDATE: &str = "UPDATE users
  SET revision = ?3, connection = ?4, email = ?5, username = ?6, phone_number = ?7, document = ?8
  WHERE tenant_id = ?1 AND user_id = ?2 AND revision = ?9";

pub(super) fn user_put(writing: &Writing<'_>, tenant: TenantId, expect: Expect, user: &User) -> Result<(), StoreError> {
    let (revision, current) = revisions(expect);
    let document = to_json(user);
    let (id, connection) = (user.user_id.as_str(), user.connection());
    let (email, username, phone) = (&user.email, &user.username, &user.phone_number);
    match current {
        None => put(
            writing,
            INSERT,
            params![tenant.0, id, revision, connection, email, username, phone, document],
            Conflict::User,
        ),
        Some(current) => put(
            writing,
            UPDATE,
            params![tenant.0, id, revision, connection, email, username, phone, document, current],
            Conflict::User,
        ),
    }
}

pub(super) fn user_of(id: &str, document: &str) -> Result<User, StoreError> {
    json(document, Place { table: "users", column: "document", row: &id })
}

pub(super) fn user_get(
    connection: &Connection,
    tenant: TenantId,
    id: &UserId,
) -> Result<Option<Versioned<User>>, StoreError> {
    let found: Option<(u64, String)> = connection
        .prepare_cached(
            "SELECT revision, document FROM users WHERE tenant_id = ?1 AND user_id = ?2 AND linked_to IS NULL",
        )
        .and_then(|mut statement| {
            statement.query_row(params![tenant.0, id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(unavailable("read a user"))?;
    found
        .map(|(revision, document)| {
            Ok(Versioned { revision: Revision(revision), value: user_of(id.as_str(), &document)? })
        })
        .transpose()
}

pub(super) fn user_page(connection: &Connection, tenant: TenantId, page: Page) -> Result<Vec<User>, StoreError> {
    let sql = "SELECT user_id, document FROM users WHERE tenant_id = ?1 AND linked_to IS NULL
               ORDER BY number LIMIT ?2 OFFSET ?3";
    let rows: Vec<(String, String)> = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_map(params![tenant.0, page.limit, page.offset], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .map_err(unavailable("list users"))?;
    rows.iter().map(|(id, document)| user_of(id, document)).collect()
}

pub(super) fn user_count(connection: &Connection, tenant: TenantId) -> Result<u64, StoreError> {
    connection
        // Who is not linked is not asked for row by row: both counts come from an index.
        .prepare_cached(
            "SELECT (SELECT count(*) FROM users WHERE tenant_id = ?1)
             - (SELECT count(*) FROM users WHERE tenant_id = ?1 AND linked_to IS NOT NULL)",
        )
        .and_then(|mut statement| statement.query_row(params![tenant.0], |row| row.get(0)))
        .map_err(unavailable("count users"))
}
