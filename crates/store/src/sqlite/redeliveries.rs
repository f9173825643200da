//! The port of recovery over this store: what looks reads, what decides writes.

use async_trait::async_trait;
use domain::clock::Timestamp;
use domain::event::{Event, Seq};
use domain::ids::{EventId, JobId, StreamId, TenantId};
use domain::redelivery::{DeliveryFilter, JobKind, JobStart, JobStatus, RedeliveryJob};
use rusqlite::Connection;
use std::sync::Arc;

use super::{SqliteStore, jobs, out_of_turn};
use crate::{
    Counted, JobChanged, JobDue, JobRequested, JobSteps, MissedRange, NewJob, Redeliveries, RedeliveryRequested,
    StoreError,
};

#[async_trait]
impl Redeliveries for SqliteStore {
    async fn redelivery_request(
        &self,
        tenant: TenantId,
        stream: StreamId,
        event: EventId,
        start: JobStart,
    ) -> Result<RedeliveryRequested, StoreError> {
        self.writer.write(move |writing| jobs::single_begin(writing, tenant, stream, event, start)).await
    }

    async fn job_begin(&self, tenant: TenantId, stream: StreamId, job: NewJob) -> Result<JobRequested, StoreError> {
        // Counting takes its time, which the writer has not.
        let Some(counted) = self.job_count(tenant, stream, job.kind, job.filter.clone()).await? else {
            return Ok(JobRequested::NoStream);
        };
        let total = counted.is_all.then_some(counted.events);
        self.writer.write(move |writing| jobs::job_begin(writing, tenant, stream, job, total)).await
    }

    async fn job_count(
        &self,
        tenant: TenantId,
        stream: StreamId,
        kind: JobKind,
        filter: DeliveryFilter,
    ) -> Result<Option<Counted>, StoreError> {
        let (keyring, end) = (Arc::clone(&self.keyring), self.heads.borrow().log);
        let read =
            move |connection: &Connection| jobs::job_count(connection, &keyring, tenant, stream, kind, &filter, end);
        self.readers.read(read).await
    }

    async fn job_get(
        &self,
        tenant: TenantId,
        stream: StreamId,
        id: JobId,
    ) -> Result<Option<RedeliveryJob>, StoreError> {
        let found = self.readers.read(move |connection| jobs::job_get(connection, tenant, stream, id)).await?;
        Ok(found.map(|stored| stored.job))
    }

    async fn job_page(
        &self,
        tenant: TenantId,
        stream: StreamId,
        after: Option<JobId>,
        take: u32,
    ) -> Result<Vec<RedeliveryJob>, StoreError> {
        self.readers.read(move |connection| jobs::job_page(connection, tenant, stream, after, take)).await
    }

    async fn job_change(
        &self,
        tenant: TenantId,
        stream: StreamId,
        id: JobId,
        status: JobStatus,
        now: Timestamp,
    ) -> Result<JobChanged, StoreError> {
        self.writer.write(move |writing| jobs::job_change(writing, tenant, stream, id, status, now)).await
    }

    async fn test_event_append(&self, tenant: TenantId, stream: StreamId, event: Event) -> Result<(), StoreError> {
        self.writer.write(move |writing| out_of_turn::test_event_append(writing, tenant, stream, event)).await
    }

    async fn missed_ranges(&self, tenant: TenantId, stream: StreamId) -> Result<Vec<MissedRange>, StoreError> {
        let (keyring, end) = (Arc::clone(&self.keyring), self.heads.borrow().log);
        self.readers.read(move |connection| jobs::missed_ranges(connection, &keyring, tenant, stream, end)).await
    }
}

#[async_trait]
impl JobSteps for SqliteStore {
    async fn jobs_due(&self) -> Result<Vec<JobDue>, StoreError> {
        self.readers.read(jobs::jobs_due).await
    }

    async fn job_step(&self, id: JobId, most: u32, now: Timestamp) -> Result<u32, StoreError> {
        self.writer.write(move |writing| jobs::job_step(writing, id, most, now)).await
    }

    async fn redeliveries_withdrawn(&self, stream: StreamId, seqs: Vec<Seq>) -> Result<Vec<Seq>, StoreError> {
        self.readers.read(move |connection| out_of_turn::withdrawn(connection, stream, &seqs)).await
    }
}
