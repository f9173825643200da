//! Redelivery: what is asked for, and the jobs that come of it (management-api.md 3.10, docs/extensions.md).

use domain::clock::Timestamp;
use domain::ids::{ClientId, JobId, StreamId};
use domain::redelivery::{DeliveryFilter, JobKind, JobStatus, RedeliveryJob};
use serde::Serialize;
use store::Counted;

use super::delivery_filter::{self, GivenFilter};
use super::query::Cursor;
use super::reader::{Field, Invalid, ObjectReader};
use crate::event_types::EventTypeNames;

const EXTENSION: Field = Field::new("headwater", "What this server offers beyond the contract.");
const DRY_RUN: Field = Field::new("dry_run", "Whether only to say how many would be redelivered.");
const RATE: Field = Field::new("rate_per_s", "How many to redeliver a second at most.");
const MISSED: Field = Field::new("missed", "Whether to deliver what was missed while the stream was disabled.");
const STATUS: Field = Field::new("status", "What becomes of the redelivery: paused, running or canceled.");

/// The most that a rate may be.
const RATE_MAX: u32 = 100_000;

/// What is asked for.
pub(crate) struct RedeliveryRequest {
    /// The filter as it was given.
    pub given: GivenFilter,
    /// What it means.
    pub filter: DeliveryFilter,
    /// What of it the contract does not have; `None` if the caller does not know that there is such a thing.
    pub extension: Option<RedeliveryExtension>,
}

/// What the contract does not have.
#[derive(Clone, Copy, Default)]
pub(crate) struct RedeliveryExtension {
    /// Nothing is redelivered, only counted.
    pub dry_run: bool,
    /// So many a second at most.
    pub rate_per_s: Option<u32>,
    /// What was missed is meant.
    pub missed: bool,
}

impl RedeliveryExtension {
    /// What is to be redelivered.
    pub(crate) const fn kind(&self) -> JobKind {
        if self.missed { JobKind::Missed } else { JobKind::Failed }
    }
}

/// Reads the body of a redelivery of many.
pub(crate) fn read_many(mut body: ObjectReader, names: &EventTypeNames) -> Result<RedeliveryRequest, Invalid> {
    let (given, filter) = delivery_filter::read_body(&mut body, names)?;
    let extension = match body.object(EXTENSION)? {
        None => None,
        Some(mut extension) => {
            let read = RedeliveryExtension {
                dry_run: extension.boolean(DRY_RUN)?.unwrap_or(false),
                rate_per_s: extension.number(RATE, 1, RATE_MAX.into())?.and_then(|rate| u32::try_from(rate).ok()),
                missed: extension.boolean(MISSED)?.unwrap_or(false),
            };
            extension.finish_with_path()?;
            Some(read)
        }
    };
    body.finish()?;
    Ok(RedeliveryRequest { given, filter, extension })
}

/// Reads the body of a redelivery of one; whether the caller wants to hear of the job.
pub(crate) fn read_one(mut body: ObjectReader) -> Result<bool, Invalid> {
    let extension = body.object(EXTENSION)?;
    let wanted = extension.is_some();
    if let Some(extension) = extension {
        extension.finish_with_path()?;
    }
    body.finish()?;
    Ok(wanted)
}

/// Reads what is to become of a job.
pub(crate) fn read_change(mut body: ObjectReader) -> Result<JobStatus, Invalid> {
    let settable = |word: &str| JobStatus::from_name(word).filter(|status| *status != JobStatus::Completed);
    let status = body.word(STATUS, settable)?.ok_or_else(|| body.missing(STATUS))?;
    body.finish()?;
    Ok(status)
}

/// The answer to a redelivery: the filters, and what the contract does not have for whoever asked for that.
#[derive(Serialize)]
pub(crate) struct RedeliveryAnswer {
    #[serde(flatten)]
    pub(crate) given: GivenFilter,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headwater: Option<ExtensionAnswer>,
}

/// A job, or what one would do.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ExtensionAnswer {
    Job(Box<JobAnswer>),
    DryRun {
        dry_run: bool,
        #[serde(flatten)]
        counted: CountedAnswer,
    },
}

/// How many there are, as far as they were counted.
#[derive(Serialize)]
pub(crate) struct CountedAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_at_least: Option<u64>,
}

impl From<Counted> for CountedAnswer {
    fn from(counted: Counted) -> Self {
        let (all, some) = (counted.is_all.then_some(counted.events), (!counted.is_all).then_some(counted.events));
        Self { total: all, total_at_least: some }
    }
}

/// A job as it is answered.
#[derive(Serialize)]
pub(crate) struct JobAnswer {
    id: JobId,
    event_stream_id: StreamId,
    kind: &'static str,
    status: &'static str,
    #[serde(flatten)]
    filter: GivenFilter,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    redelivered: u64,
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<u64>,
    started_by: ClientId,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
}

impl JobAnswer {
    /// A job, with the names that its tenant has for event types.
    pub(crate) fn new(job: RedeliveryJob, names: &EventTypeNames) -> Self {
        Self {
            id: job.start.id,
            event_stream_id: job.stream,
            kind: match job.kind {
                JobKind::Failed => "failed",
                JobKind::Missed => "missed",
            },
            status: job.status.name(),
            filter: GivenFilter::kept(&job.filter, names),
            rate_per_s: job.rate_per_s,
            total: job.total,
            redelivered: job.redelivered,
            failed: job.failed,
            waiting: job.waiting(),
            started_by: job.start.started_by,
            created_at: job.start.at,
            ended_at: job.ended_at,
        }
    }
}

impl Cursor for JobId {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}
