//! Links that sign in once.

use domain::clock::Timestamp;
use domain::ids::{OperatorId, TenantId};
use domain::operator::Operator;
use rusqlite::{Connection, params};

use super::operators::operator_of;
use super::rows::{query, run};
use crate::StoreError;
use crate::operators::TokenDigest;

/// Keeps a link, and forgets those that have ended.
pub(super) fn add(
    connection: &Connection,
    operator: &OperatorId,
    token: &TokenDigest,
    now: Timestamp,
    ends_at: Timestamp,
) -> Result<(), StoreError> {
    run(connection, "DELETE FROM sign_in_links WHERE ends_at <= ?1", params![now.as_millis()])?;
    let sql = "INSERT INTO sign_in_links (token_digest, operator_number, ends_at)
               SELECT ?2, number, ?3 FROM operators WHERE operator_id = ?1";
    run(connection, sql, params![operator.as_str(), token, ends_at.as_millis()]).map(|_| ())
}

/// Whom a link signs in.
pub(super) fn operator(
    connection: &Connection,
    tenant: TenantId,
    token: &TokenDigest,
    now: Timestamp,
) -> Result<Option<Operator>, StoreError> {
    let sql = "SELECT o.operator_id, o.email, o.role, o.is_provisioned, o.created_at, o.signed_in_at
               FROM sign_in_links l JOIN operators o ON o.number = l.operator_number
               WHERE l.token_digest = ?1 AND o.tenant_id = ?2 AND l.ends_at > ?3";
    let values = params![token, tenant.0, now.as_millis()];
    query(connection, sql, values, |row| operator_of(row, 0)).map(|mut found| found.pop())
}

/// Whom a link signs in, which it does no more.
pub(super) fn take(
    connection: &Connection,
    tenant: TenantId,
    token: &TokenDigest,
    now: Timestamp,
) -> Result<Option<Operator>, StoreError> {
    let found = operator(connection, tenant, token, now)?;
    if found.is_some() {
        run(connection, "DELETE FROM sign_in_links WHERE token_digest = ?1", params![token])?;
    }
    Ok(found)
}

/// Forgets the links of an operator.
pub(super) fn remove_of(connection: &Connection, operator: &OperatorId) -> Result<(), StoreError> {
    let sql = "DELETE FROM sign_in_links
               WHERE operator_number = (SELECT number FROM operators WHERE operator_id = ?1)";
    run(connection, sql, params![operator.as_str()]).map(|_| ())
}
