//! Where operators are signed in.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ids::{OperatorId, SessionId, TenantId};
use domain::operator::{Operator, OperatorSession, SignInMethod};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::operators::operator_of;
use super::rows::{Place, query, run};
use super::writer::Writing;
use crate::StoreError;
use crate::operators::{OperatorSessions, TokenDigest};

/// How many sessions of an operator are kept; the oldest ones make room.
const SESSIONS_MAX: u32 = 100;

#[async_trait]
impl OperatorSessions for SqliteStore {
    async fn session_begin(&self, session: OperatorSession, token: TokenDigest) -> Result<(), StoreError> {
        self.writer.write(move |writing| begin(writing, &session, &token)).await
    }

    async fn session_get(
        &self,
        tenant: TenantId,
        token: TokenDigest,
    ) -> Result<Option<(OperatorSession, Operator)>, StoreError> {
        let sql = "SELECT s.session_id, s.method, s.began_at, s.seen_at, s.ends_at, s.address, s.user_agent,
                          o.operator_id, o.email, o.role, o.is_provisioned, o.created_at, o.signed_in_at
                   FROM operator_sessions s JOIN operators o ON o.number = s.operator_number
                   WHERE s.token_digest = ?1 AND o.tenant_id = ?2";
        let both = |row: &Row<'_>| {
            let operator = operator_of(row, 7)?;
            let session = session_of(row, row.get(7)?)?;
            Ok(session.and_then(|session| Ok((session, operator?))))
        };
        let read = move |connection: &Connection| {
            query(connection, sql, params![token, tenant.0], both).map(|mut found| found.pop())
        };
        self.readers.read(read).await
    }

    async fn session_seen(&self, id: &SessionId, at: Timestamp) -> Result<(), StoreError> {
        let id = id.clone();
        let seen = move |writing: &mut Writing<'_>| {
            let sql = "UPDATE operator_sessions SET seen_at = max(seen_at, ?2) WHERE session_id = ?1";
            run(writing.connection, sql, params![id.as_str(), at.as_millis()]).map(|_| ())
        };
        self.writer.write(seen).await
    }

    async fn sessions(
        &self,
        tenant: TenantId,
        operator: &OperatorId,
        now: Timestamp,
    ) -> Result<Vec<OperatorSession>, StoreError> {
        let operator = operator.clone();
        let sql = "SELECT s.session_id, s.method, s.began_at, s.seen_at, s.ends_at, s.address, s.user_agent
                   FROM operator_sessions s JOIN operators o ON o.number = s.operator_number
                   WHERE o.tenant_id = ?1 AND o.operator_id = ?2 AND s.ends_at > ?3 ORDER BY s.number DESC";
        let read = move |connection: &Connection| {
            let values = params![tenant.0, operator.as_str(), now.as_millis()];
            query(connection, sql, values, |row| session_of(row, operator.as_str().to_owned()))
        };
        self.readers.read(read).await
    }

    async fn session_end(&self, tenant: TenantId, operator: &OperatorId, id: &SessionId) -> Result<bool, StoreError> {
        let (operator, id) = (operator.clone(), id.clone());
        let end = move |writing: &mut Writing<'_>| {
            let sql = "DELETE FROM operator_sessions WHERE session_id = ?3 AND operator_number =
                         (SELECT number FROM operators WHERE tenant_id = ?1 AND operator_id = ?2)";
            run(writing.connection, sql, params![tenant.0, operator.as_str(), id.as_str()]).map(|ended| ended > 0)
        };
        self.writer.write(end).await
    }

    async fn sessions_end(
        &self,
        tenant: TenantId,
        operator: &OperatorId,
        except: Option<&SessionId>,
    ) -> Result<u32, StoreError> {
        let (operator, except) = (operator.clone(), except.cloned());
        self.writer.write(move |writing| end_all(writing.connection, tenant, &operator, except.as_ref())).await
    }
}

fn begin(writing: &Writing<'_>, session: &OperatorSession, token: &TokenDigest) -> Result<(), StoreError> {
    let (connection, operator) = (writing.connection, session.operator.as_str());
    let began_at = session.began_at.as_millis();
    run(connection, "DELETE FROM operator_sessions WHERE ends_at <= ?1", params![began_at])?;
    let sql = "INSERT INTO operator_sessions
                 (session_id, token_digest, operator_number, method, began_at, seen_at, ends_at, address, user_agent)
               SELECT ?2, ?3, number, ?4, ?5, ?6, ?7, ?8, ?9 FROM operators WHERE operator_id = ?1";
    let values = params![
        operator,
        session.id.as_str(),
        token,
        session.method.as_str(),
        began_at,
        session.seen_at.as_millis(),
        session.ends_at.as_millis(),
        session.address,
        session.user_agent
    ];
    run(connection, sql, values)?;
    let oldest = "DELETE FROM operator_sessions WHERE number IN
                    (SELECT s.number FROM operator_sessions s JOIN operators o ON o.number = s.operator_number
                     WHERE o.operator_id = ?1 ORDER BY s.number DESC LIMIT -1 OFFSET ?2)";
    run(connection, oldest, params![operator, SESSIONS_MAX])?;
    let signed_in = "UPDATE operators SET signed_in_at = ?2 WHERE operator_id = ?1";
    run(connection, signed_in, params![operator, began_at]).map(|_| ())
}

/// Ends the sessions of an operator.
pub(super) fn end_all(
    connection: &Connection,
    tenant: TenantId,
    operator: &OperatorId,
    except: Option<&SessionId>,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM operator_sessions WHERE session_id IS NOT ?3 AND operator_number =
                 (SELECT number FROM operators WHERE tenant_id = ?1 AND operator_id = ?2)";
    let ended = run(connection, sql, params![tenant.0, operator.as_str(), except.map(SessionId::as_str)])?;
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}

/// A session from the first seven columns.
fn session_of(row: &Row<'_>, operator: String) -> rusqlite::Result<Result<OperatorSession, StoreError>> {
    let (id, method): (String, String) = (row.get(0)?, row.get(1)?);
    let Some(method) = SignInMethod::parse(&method) else {
        return Ok(Err(Place { table: "operator_sessions", column: "method", row: &id }.corrupt()));
    };
    Ok(Ok(OperatorSession {
        id: SessionId::from_text(id),
        operator: OperatorId::from_text(operator),
        method,
        began_at: Timestamp::from_millis(row.get(2)?),
        seen_at: Timestamp::from_millis(row.get(3)?),
        ends_at: Timestamp::from_millis(row.get(4)?),
        address: row.get(5)?,
        user_agent: row.get(6)?,
    }))
}
