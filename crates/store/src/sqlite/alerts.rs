//! What is told of streams that keep failing: events of their tenant, appended with the checkpoint that causes them.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::delivery::{Alert, AlertKind};
use domain::event::Source;
use domain::ids::{StreamId, TenantId};
use domain::stream::StreamStatus;
use domain::stream_event::{ToldStream, stream_event};
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::rows::{Place, query, run};
use super::writer::Writing;
use crate::{AlertSources, StoreError};

#[async_trait]
impl AlertSources for SqliteStore {
    async fn alert_source_note(&self, tenant: TenantId, source: Source) -> Result<(), StoreError> {
        let note = move |writing: &mut Writing<'_>| {
            let sql = "UPDATE tenants SET source = ?2 WHERE id = ?1";
            run(writing.connection, sql, params![tenant.0, source.urn]).map(|_| ())
        };
        self.writer.write(note).await
    }
}

/// The stream as it stands, and whose it is.
struct Found {
    tenant: TenantId,
    source: Source,
    name: Option<String>,
    status: StreamStatus,
}

fn found(connection: &Connection, stream: StreamId) -> Result<Option<Found>, StoreError> {
    let id = stream.to_string();
    let sql = "SELECT s.tenant_id, t.name, t.source, s.name, s.status FROM streams s, tenants t
               WHERE s.stream_id = ?1 AND t.id = s.tenant_id";
    let read = |row: &Row<'_>| {
        let (tenant, tenant_name, urn) = (TenantId(row.get(0)?), row.get::<_, String>(1)?, row.get(2)?);
        let source = match urn {
            Some(urn) => Source { tenant_name, urn },
            None => Source::new(&tenant_name, &tenant_name),
        };
        let name = row.get(3)?;
        let status = StreamStatus::from_name(&row.get::<_, String>(4)?);
        let status = status.ok_or_else(|| Place { table: "streams", column: "status", row: &id }.corrupt());
        Ok(status.map(|status| Found { tenant, source, name, status }))
    };
    Ok(query(connection, sql, params![id], read)?.pop())
}

/// Appends what is told of a stream. That it was disabled is told only if it was.
pub(super) fn alerts_append(
    writing: &mut Writing<'_>,
    stream: StreamId,
    alerts: &[Alert],
    disabled: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut told = alerts.iter().filter(|alert| disabled || alert.kind != AlertKind::Disabled).peekable();
    if told.peek().is_none() {
        return Ok(());
    }
    let Some(found) = found(writing.connection, stream)? else { return Ok(()) };
    for alert in told {
        // It failed and recovered while it was enabled, also where it has been disabled since.
        let status = if alert.kind == AlertKind::Disabled { found.status } else { StreamStatus::Enabled };
        let of = ToldStream { id: stream, name: found.name.as_deref(), status };
        let event = stream_event(alert, &of, &found.source, now, writing.entropy);
        writing.append(found.tenant, event)?;
    }
    Ok(())
}
