//! The partner event sources of streams to EventBridge: noted with their stream, and forgotten when both have gone.

use async_trait::async_trait;
use domain::destination::{AwsAccountId, AwsRegion, EventBridge, PartnerEventSource};
use domain::ids::StreamId;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::rows::{Place, query, run, text_of};
use super::writer::Writing;
use crate::{PartnerEventSources, SourceWanted, StoreError, UnsettledSource};

#[async_trait]
impl PartnerEventSources for SqliteStore {
    async fn sources_take_up(&self, after: Option<StreamId>, take: u32) -> Result<Vec<UnsettledSource>, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        // Looking whether there are any takes no turn of the writer.
        let look = {
            let after = after.clone();
            move |connection: &Connection| unsettled(connection, &after, take)
        };
        if self.readers.read(look).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.write(move |writing| take_up(writing, &after, take)).await
    }

    async fn source_settled(&self, stream: StreamId, wanted: SourceWanted) -> Result<(), StoreError> {
        self.writer.write(move |writing| source_settled(writing, stream, wanted)).await
    }
}

/// A stream to EventBridge is new.
pub(super) fn stream_created(
    connection: &Connection,
    stream: StreamId,
    EventBridge { account, region, partner_event_source }: &EventBridge,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO partner_event_sources (stream_id, name, account, region, wanted) VALUES (?1, ?2, ?3, ?4, 1)";
    let values = params![stream.to_string(), partner_event_source.as_str(), account.as_str(), region.name()];
    run(connection, sql, values).map(|_| ())
}

/// A stream, maybe one to EventBridge, has gone.
pub(super) fn stream_removed(connection: &Connection, stream: StreamId) -> Result<(), StoreError> {
    let id = stream.to_string();
    run(connection, "DELETE FROM partner_event_sources WHERE stream_id = ?1 AND asked = 0", &[&id])?;
    let sql = "UPDATE partner_event_sources SET wanted = 0, settled = 0 WHERE stream_id = ?1";
    run(connection, sql, &[&id]).map(|_| ())
}

fn take_up(writing: &mut Writing<'_>, after: &str, take: u32) -> Result<Vec<UnsettledSource>, StoreError> {
    let found = unsettled(writing.connection, after, take)?;
    for each in &found {
        let sql = "UPDATE partner_event_sources SET asked = 1 WHERE stream_id = ?1 AND asked = 0";
        run(writing.connection, sql, &[&each.stream.to_string()])?;
    }
    Ok(found)
}

fn source_settled(writing: &mut Writing<'_>, stream: StreamId, wanted: SourceWanted) -> Result<(), StoreError> {
    let sql = match wanted {
        SourceWanted::There => "UPDATE partner_event_sources SET settled = 1 WHERE stream_id = ?1 AND wanted = 1",
        SourceWanted::Gone => "DELETE FROM partner_event_sources WHERE stream_id = ?1 AND wanted = 0",
    };
    run(writing.connection, sql, &[&stream.to_string()]).map(|_| ())
}

fn unsettled(connection: &Connection, after: &str, take: u32) -> Result<Vec<UnsettledSource>, StoreError> {
    let sql = "SELECT stream_id, name, account, region, wanted FROM partner_event_sources
               WHERE settled = 0 AND stream_id > ?1 ORDER BY stream_id LIMIT ?2";
    query(connection, sql, params![after, take], |row| Ok(source_of(row)))
}

fn source_of(row: &Row<'_>) -> Result<UnsettledSource, StoreError> {
    let id = text_of(row, 0).map_err(super::rows::unavailable("read a partner event source"))?;
    let place = |column| Place { table: "partner_event_sources", column, row: &id };
    let text = |index, column| text_of(row, index).map_err(|_| place(column).corrupt());
    let wanted = row.get(4).map_err(|_| place("wanted").corrupt())?;
    Ok(UnsettledSource {
        stream: StreamId::parse(id).map_err(|_| place("stream_id").corrupt())?,
        source: EventBridge {
            account: AwsAccountId::parse(text(2, "account")?).ok_or_else(|| place("account").corrupt())?,
            region: AwsRegion::from_name(text(3, "region")?).ok_or_else(|| place("region").corrupt())?,
            partner_event_source: PartnerEventSource::from_stored(text(1, "name")?),
        },
        wanted: if wanted { SourceWanted::There } else { SourceWanted::Gone },
    })
}
