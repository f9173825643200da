//! The port of recovery: redelivery jobs, and events that are delivered out of turn.

use async_trait::async_trait;
use domain::event::{Event, Seq};
use domain::ids::{EventId, JobId, StreamId, TenantId};
use domain::redelivery::{DeliveryFilter, JobKind, JobStart, JobStatus, RedeliveryJob};

use crate::{RedeliveryRequested, StoreError};

/// A job that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewJob {
    /// Its id, and who asks when.
    pub start: JobStart,
    /// What to redeliver.
    pub kind: JobKind,
    /// Of that, which.
    pub filter: DeliveryFilter,
    /// So many a second at most.
    pub rate_per_s: Option<u32>,
}

/// What came of asking for a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobRequested {
    /// It has begun.
    Begun(Box<RedeliveryJob>),
    /// The stream has as many as it may have at once.
    TooMany,
    /// There is no such stream.
    NoStream,
}

/// What came of changing a job's status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobChanged {
    /// It stands so now.
    Changed(Box<RedeliveryJob>),
    /// It has ended in another way.
    HasEnded,
    /// There is no such job.
    NotFound,
}

/// How many deliveries would be made again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counted {
    /// How many were found.
    pub events: u64,
    /// All have been counted.
    pub is_all: bool,
}

/// A stretch of the log that a stream has missed while it was disabled, and that nobody has taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MissedRange {
    /// Its first position.
    pub from: Seq,
    /// The first one after it; `None` while the stream goes on missing what is raised.
    pub until: Option<Seq>,
    /// How many events of the types that the stream subscribes to now are in it.
    pub counted: Counted,
}

/// How far a job has come with marking what is to be delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobDue {
    /// The job.
    pub id: JobId,
    /// So many a second at most.
    pub rate_per_s: Option<u32>,
    /// How many it has marked that have not ended.
    pub marked: u32,
}

/// Redelivery jobs, as the API begins and follows them.
#[async_trait]
pub trait Redeliveries: Send + Sync {
    /// Asks for a failed delivery to be delivered again; durable when this answers. It is a job of its own.
    async fn redelivery_request(
        &self,
        tenant: TenantId,
        stream: StreamId,
        event: EventId,
        start: JobStart,
    ) -> Result<RedeliveryRequested, StoreError>;

    /// Begins a job, and marks its first deliveries; durable when this answers. It goes on in steps
    /// ([`JobSteps::job_step`]). A job of everything that was missed takes that over: it is missed no more.
    async fn job_begin(&self, tenant: TenantId, stream: StreamId, job: NewJob) -> Result<JobRequested, StoreError>;
    /// How many deliveries a job would make; `None` if there is no such stream.
    async fn job_count(
        &self,
        tenant: TenantId,
        stream: StreamId,
        kind: JobKind,
        filter: DeliveryFilter,
    ) -> Result<Option<Counted>, StoreError>;
    /// A job of a stream.
    async fn job_get(&self, tenant: TenantId, stream: StreamId, id: JobId)
    -> Result<Option<RedeliveryJob>, StoreError>;
    /// At most `take` jobs of a stream that began after `after`, oldest first.
    async fn job_page(
        &self,
        tenant: TenantId,
        stream: StreamId,
        after: Option<JobId>,
        take: u32,
    ) -> Result<Vec<RedeliveryJob>, StoreError>;
    /// Pauses, resumes or cancels a job. What it has marked is not delivered while it is paused, nor after it was
    /// canceled; what is in flight ends. What a canceled job had taken over and not delivered is missed again.
    async fn job_change(
        &self,
        tenant: TenantId,
        stream: StreamId,
        id: JobId,
        status: JobStatus,
        now: domain::clock::Timestamp,
    ) -> Result<JobChanged, StoreError>;

    /// Appends a test event, to be delivered to this stream at once, out of turn, whether it is enabled or not.
    async fn test_event_append(&self, tenant: TenantId, stream: StreamId, event: Event) -> Result<(), StoreError>;

    /// What a stream has missed, oldest first; stretches in which nothing was for it are left out.
    async fn missed_ranges(&self, tenant: TenantId, stream: StreamId) -> Result<Vec<MissedRange>, StoreError>;
}

/// The steps of redelivery jobs, as delivery makes them.
#[async_trait]
pub trait JobSteps: Send + Sync {
    /// The running jobs that have something to do.
    async fn jobs_due(&self) -> Result<Vec<JobDue>, StoreError>;
    /// Marks the next deliveries of a job, at most `most`; answers how many. Ends it when nothing is left.
    async fn job_step(&self, id: JobId, most: u32, now: domain::clock::Timestamp) -> Result<u32, StoreError>;
    /// Those of these positions that nobody asks to deliver beside the log, or whose job is paused.
    async fn redeliveries_withdrawn(&self, stream: StreamId, seqs: Vec<Seq>) -> Result<Vec<Seq>, StoreError>;
}
