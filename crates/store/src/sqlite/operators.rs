//! Operators.

use async_trait::async_trait;
use domain::account::SecretHash;
use domain::clock::Timestamp;
use domain::ids::{OperatorId, TenantId};
use domain::operator::{Operator, OperatorEmail, OperatorRole};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::rows::{Place, count, query, run};
use super::sign_in_links as links;
use super::writer::Writing;
use crate::operators::{OPERATORS_MAX, OperatorChange, Operators, TokenDigest};
use crate::{Conflict, StoreError};

#[async_trait]
impl Operators for SqliteStore {
    async fn operator_add(
        &self,
        tenant: TenantId,
        operator: Operator,
        password: Option<SecretHash>,
    ) -> Result<(), StoreError> {
        self.writer.write(move |writing| operator_add(writing, tenant, &operator, password.as_ref())).await
    }

    async fn operators(&self, tenant: TenantId) -> Result<Vec<Operator>, StoreError> {
        let sql = "SELECT operator_id, email, role, is_provisioned, created_at, signed_in_at FROM operators
                   WHERE tenant_id = ?1 ORDER BY email";
        self.readers.read(move |connection| query(connection, sql, params![tenant.0], |row| operator_of(row, 0))).await
    }

    async fn operator_get(&self, tenant: TenantId, id: &OperatorId) -> Result<Option<Operator>, StoreError> {
        let id = id.clone();
        let sql = "SELECT operator_id, email, role, is_provisioned, created_at, signed_in_at FROM operators
                   WHERE tenant_id = ?1 AND operator_id = ?2";
        let read = move |connection: &Connection| {
            query(connection, sql, params![tenant.0, id.as_str()], |row| operator_of(row, 0))
                .map(|mut found| found.pop())
        };
        self.readers.read(read).await
    }

    async fn operator_by_email(
        &self,
        tenant: TenantId,
        email: &OperatorEmail,
    ) -> Result<Option<(Operator, Option<SecretHash>)>, StoreError> {
        let email = email.clone();
        let sql = "SELECT operator_id, email, role, is_provisioned, created_at, signed_in_at, password_hash
                   FROM operators WHERE tenant_id = ?1 AND email = ?2";
        let with_hash = |row: &Row<'_>| {
            let hash: Option<String> = row.get(6)?;
            Ok(operator_of(row, 0)?.map(|operator| (operator, hash.map(SecretHash::from_encoded))))
        };
        let read = move |connection: &Connection| {
            query(connection, sql, params![tenant.0, email.as_str()], with_hash).map(|mut found| found.pop())
        };
        self.readers.read(read).await
    }

    async fn operator_set_role(
        &self,
        tenant: TenantId,
        id: &OperatorId,
        role: OperatorRole,
    ) -> Result<OperatorChange, StoreError> {
        let id = id.clone();
        let change = move |writing: &mut Writing<'_>| {
            if role < OperatorRole::Owner && is_last_owner(writing.connection, tenant, &id)? {
                return Ok(OperatorChange::LastOwner);
            }
            let sql = "UPDATE operators SET role = ?3 WHERE tenant_id = ?1 AND operator_id = ?2";
            run(writing.connection, sql, params![tenant.0, id.as_str(), role.as_str()]).map(changed)
        };
        self.writer.write(change).await
    }

    async fn operator_set_password(
        &self,
        tenant: TenantId,
        id: &OperatorId,
        password: SecretHash,
    ) -> Result<OperatorChange, StoreError> {
        let id = id.clone();
        let change = move |writing: &mut Writing<'_>| {
            let sql = "UPDATE operators SET password_hash = ?3 WHERE tenant_id = ?1 AND operator_id = ?2";
            let set = run(writing.connection, sql, params![tenant.0, id.as_str(), password.as_str()])?;
            super::operator_sessions::end_all(writing.connection, tenant, &id, None)?;
            links::remove_of(writing.connection, &id)?;
            Ok(changed(set))
        };
        self.writer.write(change).await
    }

    async fn operator_remove(&self, tenant: TenantId, id: &OperatorId) -> Result<OperatorChange, StoreError> {
        let id = id.clone();
        let change = move |writing: &mut Writing<'_>| {
            if is_last_owner(writing.connection, tenant, &id)? {
                return Ok(OperatorChange::LastOwner);
            }
            let sql = "DELETE FROM operators WHERE tenant_id = ?1 AND operator_id = ?2";
            run(writing.connection, sql, params![tenant.0, id.as_str()]).map(changed)
        };
        self.writer.write(change).await
    }

    async fn sign_in_link_add(
        &self,
        operator: &OperatorId,
        token: TokenDigest,
        now: Timestamp,
        ends_at: Timestamp,
    ) -> Result<(), StoreError> {
        let operator = operator.clone();
        self.writer.write(move |writing| links::add(writing.connection, &operator, &token, now, ends_at)).await
    }

    async fn sign_in_link_peek(
        &self,
        tenant: TenantId,
        token: TokenDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError> {
        self.readers.read(move |connection| links::operator(connection, tenant, &token, now)).await
    }

    async fn sign_in_link_take(
        &self,
        tenant: TenantId,
        token: TokenDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError> {
        self.writer.write(move |writing| links::take(writing.connection, tenant, &token, now)).await
    }
}

const fn changed(rows: usize) -> OperatorChange {
    if rows == 0 { OperatorChange::Missing } else { OperatorChange::Done }
}

/// An operator from six columns, the first of them at `from`.
pub(super) fn operator_of(row: &Row<'_>, from: usize) -> rusqlite::Result<Result<Operator, StoreError>> {
    let (id, email, role): (String, String, String) = (row.get(from)?, row.get(from + 1)?, row.get(from + 2)?);
    let corrupt = |column| Place { table: "operators", column, row: &id }.corrupt();
    let Ok(email) = OperatorEmail::parse(&email) else { return Ok(Err(corrupt("email"))) };
    let Some(role) = OperatorRole::parse(&role) else { return Ok(Err(corrupt("role"))) };
    Ok(Ok(Operator {
        email,
        role,
        is_provisioned: row.get(from + 3)?,
        created_at: Timestamp::from_millis(row.get(from + 4)?),
        signed_in_at: row.get::<_, Option<i64>>(from + 5)?.map(Timestamp::from_millis),
        id: OperatorId::from_text(id),
    }))
}

fn operator_add(
    writing: &Writing<'_>,
    tenant: TenantId,
    operator: &Operator,
    password: Option<&SecretHash>,
) -> Result<(), StoreError> {
    let taken = "SELECT count(*) FROM operators WHERE tenant_id = ?1 AND email = ?2";
    if count(writing.connection, taken, params![tenant.0, operator.email.as_str()])? > 0 {
        return Err(StoreError::Conflict(Conflict::Operator));
    }
    let all = "SELECT count(*) FROM operators WHERE tenant_id = ?1";
    if count(writing.connection, all, params![tenant.0])? >= u64::from(OPERATORS_MAX) {
        return Err(StoreError::Conflict(Conflict::TooManyOperators));
    }
    let sql = "INSERT INTO operators
                 (tenant_id, operator_id, email, role, is_provisioned, password_hash, created_at, signed_in_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = params![
        tenant.0,
        operator.id.as_str(),
        operator.email.as_str(),
        operator.role.as_str(),
        operator.is_provisioned,
        password.map(SecretHash::as_str),
        operator.created_at.as_millis(),
        operator.signed_in_at.map(Timestamp::as_millis)
    ];
    run(writing.connection, sql, values).map(|_| ())
}

/// Whether an operator is the only owner.
fn is_last_owner(connection: &Connection, tenant: TenantId, id: &OperatorId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM operators WHERE tenant_id = ?1 AND operator_id = ?2 AND role = 'owner'";
    let is_owner = count(connection, sql, params![tenant.0, id.as_str()])? > 0;
    let owners = "SELECT count(*) FROM operators WHERE tenant_id = ?1 AND role = 'owner'";
    Ok(is_owner && count(connection, owners, params![tenant.0])? == 1)
}
