//! The audit log.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::ids::TenantId;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::rows::{query, run};
use super::writer::Writing;
use crate::StoreError;
use crate::audit::{AuditAct, AuditEntry, AuditLog, AuditNumber, AuditPlace};

#[async_trait]
impl AuditLog for SqliteStore {
    async fn audit_begin(&self, tenant: TenantId, act: AuditAct) -> Result<AuditNumber, StoreError> {
        self.writer.write(move |writing| begin(writing.connection, tenant, &act)).await
    }

    async fn audit_end(&self, tenant: TenantId, number: AuditNumber, outcome: String) -> Result<(), StoreError> {
        let end = move |writing: &mut Writing<'_>| {
            let sql = "UPDATE audit_log SET outcome = ?3 WHERE tenant_id = ?1 AND number = ?2";
            run(writing.connection, sql, params![tenant.0, value_of(number), outcome]).map(|_| ())
        };
        self.writer.write(end).await
    }

    async fn audit_page(&self, tenant: TenantId, place: AuditPlace, take: u32) -> Result<Vec<AuditEntry>, StoreError> {
        self.readers.read(move |connection| page(connection, tenant, place, take)).await
    }

    async fn audit_forget(&self, before: Timestamp, most: u32) -> Result<u32, StoreError> {
        let forget = move |writing: &mut Writing<'_>| {
            // Entries are in the order of time, but for clocks that are set back; those wait a little longer.
            let sql = "DELETE FROM audit_log WHERE number IN
                         (SELECT number FROM audit_log ORDER BY number LIMIT ?2) AND at < ?1";
            run(writing.connection, sql, params![before.as_millis(), most])
        };
        self.writer.write(forget).await.map(|removed| u32::try_from(removed).unwrap_or(u32::MAX))
    }
}

fn value_of(number: AuditNumber) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}

fn begin(connection: &Connection, tenant: TenantId, act: &AuditAct) -> Result<AuditNumber, StoreError> {
    let sql = "INSERT INTO audit_log (tenant_id, at, operator, act, subject, address) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![tenant.0, act.at.as_millis(), act.operator, act.act, act.subject, act.address];
    run(connection, sql, values)?;
    Ok(AuditNumber(u64::try_from(connection.last_insert_rowid()).unwrap_or_default()))
}

fn page(
    connection: &Connection,
    tenant: TenantId,
    place: AuditPlace,
    take: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let (sql, number) = match place {
        AuditPlace::Newest => (BEFORE, i64::MAX),
        AuditPlace::Before(number) => (BEFORE, value_of(number)),
        AuditPlace::After(number) => (AFTER, value_of(number)),
    };
    let mut entries = query(connection, sql, params![tenant.0, number, take], entry_of)?;
    if matches!(place, AuditPlace::After(_)) {
        entries.reverse();
    }
    Ok(entries)
}

const BEFORE: &str = "SELECT number, at, operator, act, subject, address, outcome FROM audit_log
  WHERE tenant_id = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
const AFTER: &str = "SELECT number, at, operator, act, subject, address, outcome FROM audit_log
  WHERE tenant_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3";

fn entry_of(row: &Row<'_>) -> rusqlite::Result<Result<AuditEntry, StoreError>> {
    let act = AuditAct {
        at: Timestamp::from_millis(row.get(1)?),
        operator: row.get(2)?,
        act: row.get(3)?,
        subject: row.get(4)?,
        address: row.get(5)?,
    };
    Ok(Ok(AuditEntry { number: AuditNumber(row.get(0)?), act, outcome: row.get(6)? }))
}
