//! Redelivery jobs (an extension): how far they have come, and pausing, resuming and canceling them.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod update;

use domain::ids::JobId;

use crate::call::Call;
use crate::wire::reader::{Field, Invalid};

const JOB_ID: Field = Field::new("redelivery_id", "Unique identifier for the redelivery.");

fn job_id(call: &Call) -> Result<JobId, Invalid> {
    call.segment_id(JOB_ID, "redelivery-id", JobId::parse)
}
