//! The embedded store: one SQLite file in write-ahead mode, one writer thread, a few readers.
//!
//! `writer.rs` is the heart: it groups the changes that wait into one durable commit. `log.rs`, `cursors.rs`,
//! `failures.rs`, `streams.rs`, `users.rs`, `connections.rs` and `accounts.rs` hold the SQL of their tables; `published.rs` tells
//! which events were published before.

mod account_cache;
mod accounts;
mod action_streams;
mod action_versions;
mod actions;
mod alerts;
mod audit_log;
mod change;
mod connections;
mod count_widths;
mod cursors;
mod delivery_counts;
mod destinations;
mod erasures;
mod failures;
mod folding;
mod group_roles;
mod groups;
mod identities;
mod jobs;
mod log;
mod opening;
mod operator_sessions;
mod operators;
mod organization_connections;
mod organization_members;
mod organizations;
mod out_of_turn;
mod partner_event_sources;
mod places;
mod probes;
mod programs;
mod published;
mod readers;
mod redeliveries;
mod registered_types;
mod resealing;
mod resource_servers;
mod retention;
mod roles;
mod rows;
mod scim;
mod seeks;
mod sign_in_links;
mod snapshots;
mod stream_options;
mod stream_transport;
mod streams;
mod tail;
mod tenant_keys;
mod tenant_log;
mod user_search;
mod users;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use domain::account::{Client, ClientGrant, Tenant};
use domain::change::{Change, Versioned};
use domain::clock::{Entropy, Timestamp};
use domain::delivery::Redelivery;
use domain::event::{LoggedEvent, Seq};
use domain::ids::{ClientId, EventId, GrantId, StreamId, TenantId, UserId};
use domain::place::Place;
use domain::publish::PublishedEvent;
use domain::redelivery::DeliveryFilter;
use domain::stream::EventStream;
use domain::user::User;
use tokio::sync::watch;

use crate::{
    Checkpoint, ErasureStep, FailedDelivery, Heads, Keyring, Log, LogChunk, Moved, Page, ReadLimit, RestoredStream,
    RetentionPass, SeekMode, SnapshotStep, State, StoreError, StreamsChanged, StreamsVersion,
};
use account_cache::AccountCache;
use folding::Folding;
use readers::Readers;
use tail::Tail;
use tenant_keys::OffsetKeys;
use writer::{Writer, Writing};

/// How to open the embedded store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the database file; made if there is none.
    pub folder: PathBuf,
}

/// The embedded store. Dropping it waits for the changes that were taken to be written.
pub struct SqliteStore {
    // The order of the fields is the order of closing: the writer's connection is the last one, so that closing
    // it folds the write-ahead file into the database; then the lock is released.
    _folding: Folding,
    readers: Readers,
    writer: Writer,
    tail: Arc<Tail>,
    accounts: Arc<AccountCache>,
    keyring: Arc<Keyring>,
    offset_keys: OffsetKeys,
    heads: watch::Receiver<Heads>,
    folder: PathBuf,
    _lock: std::fs::File,
}

impl SqliteStore {
    /// Opens the store in a folder, making or migrating it first. Only one process can have it open.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::WrongMasterKey`], [`StoreError::Damaged`], or
    /// [`StoreError::Unavailable`] if the folder cannot be read or written.
    pub fn open(options: Options, keyring: Arc<Keyring>, entropy: Arc<dyn Entropy>) -> Result<Self, StoreError> {
        opening::open(&options, keyring, entropy)
    }

    /// Checks that the whole file is as it was written. Reads all of it: not for every day.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first thing that is wrong.
    pub async fn verify(&self) -> Result<(), StoreError> {
        let folder = self.folder.clone();
        self.readers.read(move |connection| opening::verify(connection, &folder)).await
    }
}

#[async_trait]
impl State for SqliteStore {
    async fn change_commit(&self, tenant: TenantId, change: Change) -> Result<(), StoreError> {
        self.writer.write(move |writing| change::change_commit(writing, tenant, change)).await
    }

    async fn events_publish(&self, tenant: TenantId, events: Vec<PublishedEvent>) -> Result<usize, StoreError> {
        self.writer.write(move |writing| published::events_publish(writing, tenant, events)).await
    }

    async fn tenant_ensure(&self, name: &str) -> Result<Tenant, StoreError> {
        let name = name.to_owned();
        let ensure = move |writing: &mut Writing<'_>| {
            let tenant = accounts::tenant_ensure(writing, name)?;
            let offset_key = tenant_keys::offset_key_ensure(writing, tenant.id)?;
            Ok((tenant, offset_key))
        };
        let (tenant, offset_key) = self.writer.write(ensure).await?;
        self.offset_keys.remember(tenant.id, offset_key);
        Ok(tenant)
    }

    async fn user_get(&self, tenant: TenantId, id: &UserId) -> Result<Option<Versioned<User>>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| users::user_get(connection, tenant, &id)).await
    }

    async fn user_page(&self, tenant: TenantId, page: Page) -> Result<Vec<User>, StoreError> {
        self.readers.read(move |connection| users::user_page(connection, tenant, page)).await
    }

    async fn user_count(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.readers.read(move |connection| users::user_count(connection, tenant)).await
    }

    async fn client_get(&self, tenant: TenantId, id: &ClientId) -> Result<Option<Versioned<Client>>, StoreError> {
        let key = (tenant, id.clone());
        let era = match self.accounts.client(&key) {
            Ok(known) => return Ok(Some(known)),
            Err(era) => era,
        };
        let (keyring, id) = (self.keyring.clone(), id.clone());
        let found =
            self.readers.read(move |connection| accounts::client_get(connection, &keyring, tenant, &id)).await?;
        if let Some(found) = &found {
            self.accounts.remember_client(era, key, found);
        }
        Ok(found)
    }

    async fn client_page(&self, tenant: TenantId, page: Page) -> Result<Vec<Client>, StoreError> {
        let keyring = self.keyring.clone();
        self.readers.read(move |connection| accounts::client_page(connection, &keyring, tenant, page)).await
    }

    async fn client_count(&self, tenant: TenantId) -> Result<u64, StoreError> {
        self.readers.read(move |connection| accounts::client_count(connection, tenant)).await
    }

    async fn grant_get(&self, tenant: TenantId, id: &GrantId) -> Result<Option<Versioned<ClientGrant>>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| accounts::grant_get(connection, tenant, &id)).await
    }

    async fn grant_page(
        &self,
        tenant: TenantId,
        client: Option<&ClientId>,
        audience: Option<&str>,
        page: Page,
    ) -> Result<Vec<ClientGrant>, StoreError> {
        let filter = accounts::GrantFilter::new(client, audience);
        self.readers.read(move |connection| accounts::grant_page(connection, tenant, &filter, page)).await
    }

    async fn grant_count(
        &self,
        tenant: TenantId,
        client: Option<&ClientId>,
        audience: Option<&str>,
    ) -> Result<u64, StoreError> {
        let filter = accounts::GrantFilter::new(client, audience);
        self.readers.read(move |connection| accounts::grant_count(connection, tenant, &filter)).await
    }

    async fn stream_get(&self, tenant: TenantId, id: StreamId) -> Result<Option<Versioned<EventStream>>, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        self.readers.read(move |connection| streams::stream_get(connection, &keyring, tenant, id)).await
    }

    async fn stream_page(
        &self,
        tenant: TenantId,
        after: Option<StreamId>,
        take: u32,
    ) -> Result<Vec<EventStream>, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        self.readers.read(move |connection| streams::stream_page(connection, &keyring, tenant, after, take)).await
    }

    async fn stream_seek(
        &self,
        tenant: TenantId,
        stream: StreamId,
        to: Place,
        mode: SeekMode,
    ) -> Result<Option<Moved>, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        let end = self.heads.borrow().log;
        let sought = match mode {
            SeekMode::Apply => {
                self.writer.write(move |writing| seeks::stream_seek(writing, tenant, stream, to)).await?
            }
            SeekMode::DryRun => {
                let read = move |connection: &rusqlite::Connection| {
                    seeks::sought(connection, &keyring, tenant, stream, to, end)
                };
                self.readers.read(read).await?
            }
        };
        // Counting takes its time, which the writer has not.
        let Some(sought) = sought else { return Ok(None) };
        self.readers.read(move |connection| sought.counted(connection).map(Some)).await
    }

    async fn failure_page(
        &self,
        tenant: TenantId,
        stream: StreamId,
        filter: DeliveryFilter,
        after: Seq,
        take: u32,
    ) -> Result<Vec<FailedDelivery>, StoreError> {
        let read = move |connection: &rusqlite::Connection| {
            failures::failure_page(connection, tenant, stream, &filter, after, take)
        };
        self.readers.read(read).await
    }

    async fn failure_get(
        &self,
        tenant: TenantId,
        stream: StreamId,
        event: EventId,
    ) -> Result<Option<FailedDelivery>, StoreError> {
        self.readers.read(move |connection| failures::failure_get(connection, tenant, stream, event)).await
    }

    async fn failure_count(&self, tenant: TenantId, stream: StreamId) -> Result<u64, StoreError> {
        self.readers.read(move |connection| failures::failure_count(connection, tenant, stream)).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.writer.write(|writing| writing.touch()).await
    }
}

#[async_trait]
impl Log for SqliteStore {
    fn heads(&self) -> watch::Receiver<Heads> {
        self.heads.clone()
    }

    async fn log_read(&self, from: Seq, until: Seq, limit: ReadLimit) -> Result<LogChunk, StoreError> {
        // What is being committed is in none of both yet, so nobody may be told that it has been read.
        let until = until.min(self.heads.borrow().log);
        if let Some(chunk) = self.tail.read(from, until, limit) {
            return Ok(chunk);
        }
        self.readers.read(move |connection| log::log_read(connection, from, until, limit)).await
    }

    async fn log_get(&self, seqs: &[Seq]) -> Result<Vec<Arc<LoggedEvent>>, StoreError> {
        let seqs = seqs.to_vec();
        self.readers.read(move |connection| log::log_get(connection, &seqs)).await
    }

    async fn streams_changed(&self, version: StreamsVersion) -> Result<StreamsChanged, StoreError> {
        let keyring = Arc::clone(&self.keyring);
        self.readers.read(move |connection| streams::streams_changed(connection, &keyring, version)).await
    }

    async fn stream_restore(&self, stream: StreamId) -> Result<Option<RestoredStream>, StoreError> {
        self.readers.read(move |connection| cursors::stream_restore(connection, stream)).await
    }

    async fn redeliveries_waiting(
        &self,
        stream: StreamId,
        after: Seq,
        take: u32,
    ) -> Result<Vec<Redelivery>, StoreError> {
        self.readers.read(move |connection| failures::redeliveries_waiting(connection, stream, after, take)).await
    }

    async fn redelivery_streams(&self) -> Result<Vec<StreamId>, StoreError> {
        self.readers.read(failures::redelivery_streams).await
    }

    async fn snapshot_streams(&self) -> Result<Vec<StreamId>, StoreError> {
        self.readers.read(snapshots::snapshot_streams).await
    }

    async fn snapshot_step(&self, stream: StreamId, now: Timestamp, most: u32) -> Result<SnapshotStep, StoreError> {
        self.writer.write(move |writing| snapshots::snapshot_step(writing, stream, now, most)).await
    }

    async fn checkpoint_save(&self, checkpoint: Checkpoint) -> Result<(), StoreError> {
        self.writer.write(move |writing| cursors::checkpoint_save(writing, &checkpoint)).await
    }

    async fn erasure_step(&self, most: u32) -> Result<ErasureStep, StoreError> {
        // Looking takes its time, which the writer has not.
        match self.readers.read(move |connection| erasures::look(connection, most)).await? {
            None => Ok(ErasureStep::default()),
            Some(stretch) => self.writer.write(move |writing| erasures::erase(writing, &stretch)).await,
        }
    }

    async fn retention_pass(&self, before: Timestamp, most: u32) -> Result<RetentionPass, StoreError> {
        loop {
            // Looking takes its time, which the writer has not.
            let streams = self.heads.borrow().streams;
            let Some(last) = self.readers.read(move |connection| retention::look(connection, before, most)).await?
            else {
                return Ok(RetentionPass::default());
            };
            let remove = move |writing: &mut Writing<'_>| {
                (writing.streams_version() == streams).then(|| retention::remove(writing, last)).transpose()
            };
            if let Some(pass) = self.writer.write(remove).await? {
                return Ok(pass);
            }
        }
    }
}
