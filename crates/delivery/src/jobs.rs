//! Going on with redelivery jobs, step by step: each marks what is to be delivered a little ahead of what has been, no
//! faster than it may.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::JobId;
use store::{JobDue, StoreError};

use crate::shared::{PAUSE_AFTER_ERROR, Shared};

/// How often running jobs go on.
const EVERY: Duration = Duration::from_millis(50);

/// How often to look whether a job has come to its end by itself, since what it meant has expired.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What a job has marked and has not been delivered yet, at most: so much is to be done before a job that is paused
/// stands still, and so much a job keeps ready for its stream.
const MARKED_MAX: u32 = 1024;

/// What is marked in one step, so that no change waits long for it.
const STEP_MAX: u32 = 256;

pub(crate) async fn run(shared: Arc<Shared>) {
    let mut heads = shared.log.heads();
    let mut rates = Rates::default();
    while !shared.stopping.is_cancelled() {
        // Jobs begin and go on with a request for redelivery; whatever else is committed is passed over.
        let known = heads.borrow_and_update().redeliveries;
        let (pause, idle) = match go_on(&shared, &mut rates).await {
            Ok(true) => (EVERY, false),
            Ok(false) => (LOOK_EVERY, true),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a redelivery job cannot go on; trying again"
                );
                (PAUSE_AFTER_ERROR, false)
            }
        };
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            asked = heads.wait_for(|heads| heads.redeliveries != known), if idle => if asked.is_err() { return },
        }
    }
}

/// Makes a step of every running job that has something to do; whether there are any.
async fn go_on(shared: &Shared, rates: &mut Rates) -> Result<bool, StoreError> {
    let due = shared.log.jobs_due().await?;
    rates.keep(&due);
    for job in &due {
        let now = shared.clock.now();
        let room = MARKED_MAX.saturating_sub(job.marked).min(STEP_MAX);
        let most = rates.allow(job, now.steady, room);
        // One without room waits; one that has marked nothing may have come to its end.
        if most > 0 || job.marked == 0 {
            let marked = shared.log.job_step(job.id, most, now.wall).await?;
            rates.used(job.id, marked);
        }
    }
    Ok(!due.is_empty())
}

/// How much each job with a rate may mark: a second's worth at once at most.
#[derive(Default)]
struct Rates(HashMap<JobId, Rate>);

struct Rate {
    at: Duration,
    allowed: f64,
}

impl Rates {
    /// Forgets the others.
    fn keep(&mut self, due: &[JobDue]) {
        self.0.retain(|id, _| due.iter().any(|job| job.id == *id));
    }

    /// How many of `room` may be marked now.
    fn allow(&mut self, job: &JobDue, now: Duration, room: u32) -> u32 {
        let Some(per_s) = job.rate_per_s.map(f64::from) else { return room };
        // A job that begins has marked a second's worth already, and so may have one that goes on after a restart.
        let rate = self.0.entry(job.id).or_insert(Rate { at: now, allowed: 0.0 });
        rate.allowed = (rate.allowed + per_s * now.saturating_sub(rate.at).as_secs_f64()).min(per_s.max(1.0));
        rate.at = now;
        // It is at least zero, and at most a number of 32 bits.
        room.min(rate.allowed as u32)
    }

    fn used(&mut self, id: JobId, marked: u32) {
        if let Some(rate) = self.0.get_mut(&id) {
            rate.allowed -= f64::from(marked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_kept_over_time() {
        let id = JobId::from_number(1);
        let job = JobDue { id, rate_per_s: Some(10), marked: 0 };
        let mut rates = Rates::default();
        let mut marked = 0;
        for tick in 0..200 {
            let most = rates.allow(&job, EVERY * tick, STEP_MAX);
            rates.used(id, most);
            marked += most;
        }
        assert!((98..=100).contains(&marked), "{marked} in ten seconds");
        assert_eq!(rates.allow(&job, Duration::from_secs(3600), STEP_MAX), 10, "what was not used does not pile up");
        assert_eq!(rates.allow(&JobDue { rate_per_s: None, ..job }, Duration::ZERO, 7), 7);
    }
}
