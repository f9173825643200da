//! Readers that are no event streams: from memory at the head, from the table behind it.

use async_trait::async_trait;
use domain::catalog::EventType;
use domain::event::{LoggedEvent, Seq};
use domain::place::Place;
use tokio::sync::watch;

use super::{SqliteStore, log, places};
use crate::{Heads, LogChunk, PlaceError, ReadLimit, StoreError, TenantLog, Wanted};

/// Positions looked at by one read. Whoever wants what is rare takes several, and lets others read in between.
const LOOKED_AT_MAX: u64 = 16 * 1024;

impl Wanted {
    fn holds_for(&self, logged: &LoggedEvent) -> bool {
        logged.tenant == self.tenant && logged.only_stream.is_none() && self.wants(logged.event.event_type)
    }

    /// Whether it wants events of this type.
    pub(super) fn wants(&self, event_type: EventType) -> bool {
        match &self.types {
            Some(types) => types.contains(event_type),
            // A reader that did not ask for them may not know what to do with them.
            None => !event_type.is_operational(),
        }
    }
}

#[async_trait]
impl TenantLog for SqliteStore {
    fn wake(&self) -> watch::Receiver<Heads> {
        self.heads.clone()
    }

    async fn place_find(&self, place: Place) -> Result<Seq, StoreError> {
        let end = self.heads.borrow().log;
        match place {
            Place::Now => Ok(end),
            _ => self.readers.read(move |connection| places::resolve(connection, place, end)).await,
        }
    }

    async fn tenant_events(&self, wanted: &Wanted, from: Seq, limit: ReadLimit) -> Result<LogChunk, StoreError> {
        let end = self.heads.borrow().log;
        let until = end.min(Seq(from.0.saturating_add(LOOKED_AT_MAX)));
        if let Some(chunk) = self.tail.read_if(from, until, limit, |logged| wanted.holds_for(logged)) {
            return Ok(chunk);
        }
        let wanted = wanted.clone();
        let read = move |connection: &rusqlite::Connection| {
            let chunk = log::tenant_events(connection, &wanted, from, until, limit)?;
            // Afterwards: what the log still holds now, it held while it was read.
            if from < places::oldest(connection, end)? { Err(PlaceError::Expired.into()) } else { Ok(chunk) }
        };
        self.readers.read(read).await
    }
}
