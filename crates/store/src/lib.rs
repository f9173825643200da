//! The durable truth of Headwater: state, log, cursors and the wake signal.
//!
//! [`State`] is what the API reads and changes, [`Log`] is what delivery reads and reports to; both are one
//! SQLite file here ([`sqlite::SqliteStore`]). A verb is one transaction and one complete thought; no
//! connection or transaction crosses this floor. Nothing outside can write a change without its events.

mod actions;
mod alerts;
mod audit;
mod connections;
mod error;
mod group_roles;
mod groups;
mod keyring;
mod offsets;
mod operators;
mod organizations;
mod partner_event_sources;
mod probes;
mod records;
mod redeliveries;
mod registered_types;
mod resealing;
mod resource_servers;
mod roles;
mod scim;
pub mod sqlite;
mod statistics;
mod tenant_keys;
mod tenant_log;
mod user_search;

use async_trait::async_trait;
use domain::account::{Client, ClientGrant, Tenant};
use domain::change::{Change, Versioned};
use domain::clock::Timestamp;
use domain::event::{LoggedEvent, Seq};
use domain::ids::{ClientId, EventId, GrantId, StreamId, TenantId, UserId};
use domain::place::Place;
use domain::publish::PublishedEvent;
use domain::redelivery::DeliveryFilter;
use domain::stream::EventStream;
use domain::user::User;
use std::sync::Arc;
use tokio::sync::watch;

pub use actions::{ActionFilter, Actions, DeployedActions};
pub use alerts::AlertSources;
pub use audit::{AuditAct, AuditEntry, AuditLog, AuditNumber, AuditPlace};
pub use connections::{ConnectionFilter, ConnectionPlace, Connections};
pub use error::{Conflict, PlaceError, StoreError};
pub use group_roles::GroupRoles;
pub use groups::{GroupFilter, GroupMember, Groups};
pub use keyring::{Keyring, KeyringError, MASTER_KEY_BYTES};
pub use offsets::{MalformedOffset, OffsetText, Offsets, TenantOffsets};
pub use operators::{OPERATORS_MAX, OperatorChange, OperatorSessions, Operators, TOKEN_DIGEST_BYTES, TokenDigest};
pub use organizations::{
    ConnectionsView, EnabledConnection, OrganizationConnections, OrganizationMembers, Organizations,
};
pub use partner_event_sources::{PartnerEventSources, SourceWanted, UnsettledSource};
pub use probes::{ProbeStanding, ProbedStream, Probes};
pub use records::{
    Checkpoint, ErasureStep, FailedDelivery, Heads, LogChunk, Moved, Numbered, Page, QueueSample, ReadLimit,
    RedeliveryRequested, RestoredStream, RetentionPass, Seek, SeekMode, SigningKey, Slice, SnapshotStep,
    StreamProgress, StreamState, StreamsChanged, StreamsVersion,
};
pub use redeliveries::{Counted, JobChanged, JobDue, JobRequested, JobSteps, MissedRange, NewJob, Redeliveries};
pub use registered_types::RegisteredTypes;
pub use resealing::{ResealPlace, ResealStep, Resealing, SealedTexts};
pub use resource_servers::ResourceServers;
pub use roles::Roles;
pub use scim::{Scim, ScimIdentity, ScimUserFilter};
pub use statistics::{
    CountedCycles, CountedEvents, CountsKept, Flow, Queue, Statistics, StatisticsUpkeep, StatusSince, Stretches,
};
pub use tenant_keys::{DERIVED_KEY_BYTES, Retire, TenantKeys};
pub use tenant_log::{TenantLog, Wanted};
pub use user_search::{FoundUsers, Total, UserSearches};

/// The state of tenants, as the API reads and changes it. What there is of one kind of entity is a trait of its
/// own, such as [`Connections`].
///
/// Reads see every change that was answered before they began, and never wait for a writer.
#[async_trait]
pub trait State:
    Actions
    + AlertSources
    + AuditLog
    + Connections
    + GroupRoles
    + Groups
    + OperatorSessions
    + Operators
    + OrganizationConnections
    + OrganizationMembers
    + Organizations
    + Redeliveries
    + RegisteredTypes
    + Resealing
    + ResourceServers
    + Roles
    + Scim
    + Statistics
    + TenantKeys
    + TenantLog
    + UserSearches
    + Send
    + Sync
{
    /// Commits a change with its events, all or nothing, durable when this answers.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if an entity is not at the revision that the change was computed from,
    /// [`StoreError::Conflict`] if a name, address or pair is taken.
    async fn change_commit(&self, tenant: TenantId, change: Change) -> Result<(), StoreError>;

    /// Appends the published events that the log does not hold yet, in order, all or nothing, durable when this
    /// answers. One whose key is that of an event in the log is passed over, also if it comes twice at once:
    /// it is the same event. Answers how many were appended.
    async fn events_publish(&self, tenant: TenantId, events: Vec<PublishedEvent>) -> Result<usize, StoreError>;

    /// The tenant with this name, made if there is none.
    async fn tenant_ensure(&self, name: &str) -> Result<Tenant, StoreError>;

    /// A user.
    async fn user_get(&self, tenant: TenantId, id: &UserId) -> Result<Option<Versioned<User>>, StoreError>;
    /// Users, oldest first.
    async fn user_page(&self, tenant: TenantId, page: Page) -> Result<Vec<User>, StoreError>;
    /// How many users there are.
    async fn user_count(&self, tenant: TenantId) -> Result<u64, StoreError>;

    /// An application.
    async fn client_get(&self, tenant: TenantId, id: &ClientId) -> Result<Option<Versioned<Client>>, StoreError>;
    /// Applications, oldest first.
    async fn client_page(&self, tenant: TenantId, page: Page) -> Result<Vec<Client>, StoreError>;
    /// How many applications there are.
    async fn client_count(&self, tenant: TenantId) -> Result<u64, StoreError>;

    /// A grant.
    async fn grant_get(&self, tenant: TenantId, id: &GrantId) -> Result<Option<Versioned<ClientGrant>>, StoreError>;
    /// The grants of one application, or for one API, or all; oldest first. An application has at most one
    /// for each API.
    async fn grant_page(
        &self,
        tenant: TenantId,
        client: Option<&ClientId>,
        audience: Option<&str>,
        page: Page,
    ) -> Result<Vec<ClientGrant>, StoreError>;
    /// How many grants [`State::grant_page`] has to page through.
    async fn grant_count(
        &self,
        tenant: TenantId,
        client: Option<&ClientId>,
        audience: Option<&str>,
    ) -> Result<u64, StoreError>;

    /// A stream, with its secrets.
    async fn stream_get(&self, tenant: TenantId, id: StreamId) -> Result<Option<Versioned<EventStream>>, StoreError>;
    /// At most `take` streams created after `after` (all, if it is `None`), oldest first. An `after` that
    /// has been deleted since still marks its place.
    async fn stream_page(
        &self,
        tenant: TenantId,
        after: Option<StreamId>,
        take: u32,
    ) -> Result<Vec<EventStream>, StoreError>;

    /// Moves a stream in the log, whether it is enabled or not; `None` if there is none. It goes on at `to` with
    /// what it subscribes to now. What it has taken up below that is not affected.
    ///
    /// # Errors
    /// [`StoreError::Place`] if nobody can go there.
    async fn stream_seek(
        &self,
        tenant: TenantId,
        stream: StreamId,
        to: Place,
        mode: SeekMode,
    ) -> Result<Option<Moved>, StoreError>;

    /// At most `take` failed deliveries of a stream that are meant, at positions after `after`, oldest first.
    async fn failure_page(
        &self,
        tenant: TenantId,
        stream: StreamId,
        filter: DeliveryFilter,
        after: Seq,
        take: u32,
    ) -> Result<Vec<FailedDelivery>, StoreError>;
    /// The failed delivery of an event by a stream.
    async fn failure_get(
        &self,
        tenant: TenantId,
        stream: StreamId,
        event: EventId,
    ) -> Result<Option<FailedDelivery>, StoreError>;
    /// How many failed deliveries a stream has outstanding.
    async fn failure_count(&self, tenant: TenantId, stream: StreamId) -> Result<u64, StoreError>;

    /// Whether the store answers and takes changes.
    async fn check(&self) -> Result<(), StoreError>;
}

/// The log of events and the streams' positions in it, as delivery reads and reports them.
#[async_trait]
pub trait Log:
    DeployedActions + JobSteps + PartnerEventSources + Probes + StatisticsUpkeep + TenantOffsets + Send + Sync
{
    /// The wake signal: how far the log and the streams' settings have come. It carries no data; a reader
    /// that misses one loses only time.
    fn heads(&self) -> watch::Receiver<Heads>;

    /// The events at positions from `from` on and below `until`, in order, no more than `limit`. Whoever has
    /// read position N never later finds a lower one that was not there.
    async fn log_read(&self, from: Seq, until: Seq, limit: ReadLimit) -> Result<LogChunk, StoreError>;
    /// The events at these positions, in order; those that the log has forgotten are left out.
    async fn log_get(&self, seqs: &[Seq]) -> Result<Vec<Arc<LoggedEvent>>, StoreError>;

    /// The streams whose settings were changed after `version`, of all tenants, and those that were removed.
    async fn streams_changed(&self, version: StreamsVersion) -> Result<StreamsChanged, StoreError>;
    /// Where a stream stands, to go on from there.
    async fn stream_restore(&self, stream: StreamId) -> Result<Option<RestoredStream>, StoreError>;
    /// At most `take` events of a stream, at positions after `after`, that are to be delivered beside the log: failed
    /// deliveries that wait for a redelivery, and what is delivered out of turn.
    async fn redeliveries_waiting(
        &self,
        stream: StreamId,
        after: Seq,
        take: u32,
    ) -> Result<Vec<domain::delivery::Redelivery>, StoreError>;
    /// The streams that may have any of them.
    async fn redelivery_streams(&self) -> Result<Vec<StreamId>, StoreError>;

    /// The streams whose snapshot is not complete.
    async fn snapshot_streams(&self) -> Result<Vec<StreamId>, StoreError>;
    /// Goes on with a stream's snapshot by at most `most` users, organizations, members …: appends an event for each,
    /// for that stream only. What is about to change is told of before that, by the change itself. So the log has
    /// everything that existed when the stream was created once, as it was then, before any other event about it; but
    /// what went along with something that was deleted, before its turn came.
    async fn snapshot_step(&self, stream: StreamId, now: Timestamp, most: u32) -> Result<SnapshotStep, StoreError>;

    /// Saves where streams stand, with the rows that their positions have passed, in one transaction.
    async fn checkpoint_save(&self, checkpoint: Checkpoint) -> Result<(), StoreError>;

    /// Goes on with the erasures that were asked for, by at most `most` positions of the log: overwrites the bodies
    /// of the events about those users, and forgets what receivers answered to them. Nothing else of an event
    /// changes. Whoever reads after that does not find the former bodies.
    async fn erasure_step(&self, most: u32) -> Result<ErasureStep, StoreError>;

    /// Removes at most `most` events from before `before`, with the failed deliveries of them. Never what an
    /// enabled stream has still to deliver, nor the newest event, whose position is the next one's measure.
    async fn retention_pass(&self, before: Timestamp, most: u32) -> Result<RetentionPass, StoreError>;
}
