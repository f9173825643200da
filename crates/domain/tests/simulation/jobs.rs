//! Redelivery jobs and test events: what users begin, pause, resume and cancel, and the steps that the engine makes.

use domain::delivery::Cause;
use domain::redelivery::JobStatus;

use super::coverage::Reached;
use super::store::{JobKey, StreamKey};
use super::users::{any_stored, any_types};
use super::world::World;

/// Jobs of a stream that have not ended, at most.
const JOBS_MAX: usize = 3;

/// Begins a job of what has failed, or of what was missed; or changes one.
pub(crate) fn begin_or_change(world: &mut World) {
    let Some(key) = any_stored(world) else { return };
    let jobs = &world.store.streams[&key].asked.jobs;
    let going_on: Vec<(JobKey, JobStatus)> =
        jobs.iter().filter(|(_, job)| !job.status.has_ended()).map(|(name, job)| (*name, job.status)).collect();
    if going_on.is_empty() || (going_on.len() < JOBS_MAX && world.random.percent(30)) {
        begin(world, key);
        return;
    }
    let (name, status) = world.random.pick(&going_on);
    let to = match status {
        _ if world.random.percent(20) => JobStatus::Canceled,
        JobStatus::Paused => JobStatus::Running,
        _ => JobStatus::Paused,
    };
    change(world, key, name, to);
}

fn begin(world: &mut World, key: StreamKey) {
    let name = world.next_job;
    world.next_job += 1;
    let some_failed = world.store.streams[&key].failures.values().any(|requested| !requested);
    let of_failed = world.random.percent(if some_failed { 80 } else { 10 });
    let cause = if of_failed { Cause::Failed } else { Cause::OutOfTurn };
    let types = world.random.percent(30).then(|| any_types(&mut world.random).into_iter().collect());
    world.note(|| format!("stream {key}: job {name} begins: {cause:?}, {types:?}"));
    world.store.job_begin(key, name, cause, types);
    world.coverage.reached(Reached::JobBegun);
}

fn change(world: &mut World, key: StreamKey, name: JobKey, to: JobStatus) {
    let unasked = world.store.job_change(key, name, to);
    if let Some(ledger) = world.ledgers.get_mut(&key) {
        ledger.unasked(&unasked);
    }
    world.coverage.reached(match to {
        JobStatus::Paused => Reached::JobPaused,
        JobStatus::Canceled => Reached::JobCanceled,
        JobStatus::Running | JobStatus::Completed => Reached::JobResumed,
    });
    world.note(|| format!("stream {key}: job {name} is {to:?}; nobody asks any more for {unasked:?}"));
}

/// Every job goes on.
pub(crate) fn resume_all(world: &mut World) {
    for key in world.store.streams.keys().copied().collect::<Vec<_>>() {
        for name in world.store.streams[&key].asked.jobs.keys().copied().collect::<Vec<_>>() {
            if world.store.streams[&key].asked.jobs[&name].status == JobStatus::Paused {
                change(world, key, name, JobStatus::Running);
            }
        }
    }
}

/// Goes on with every job of a stream; true if any had something to do.
pub(crate) fn step(world: &mut World, key: StreamKey) -> bool {
    let Some(stored) = world.store.streams.get(&key) else { return false };
    let names: Vec<JobKey> = stored.asked.jobs.keys().copied().collect();
    let mut some = false;
    for name in names {
        let bounds = (world.random.between(1, 6), world.random.between(1, 12));
        let Some((marked, cause)) = world.store.job_step(key, name, bounds) else { continue };
        some = true;
        if let Some(ledger) = world.ledgers.get_mut(&key) {
            ledger.asked(&marked, cause, Some(name));
        }
        if !marked.is_empty() {
            let what = if cause == Cause::Failed { Reached::JobOfFailed } else { Reached::JobOfMissed };
            world.coverage.reached(what);
            let seqs: Vec<_> = marked.iter().map(|event| event.seq).collect();
            world.note(|| format!("stream {key}: job {name} marks {seqs:?}"));
        }
        if world.store.streams[&key].asked.jobs[&name].status == JobStatus::Completed {
            world.coverage.reached(Reached::JobEndedByStep);
        }
    }
    some
}

/// A user has a test event sent.
pub(crate) fn test_event(world: &mut World) {
    let Some(key) = any_stored(world) else { return };
    let types = any_types(&mut world.random);
    let event_type = world.random.pick(&types);
    let Some(event) = world.store.test_event_append(key, event_type, world.now.wall) else { return };
    if let Some(ledger) = world.ledgers.get_mut(&key) {
        ledger.asked(&[event], Cause::OutOfTurn, None);
    }
    world.coverage.reached(Reached::TestEvent);
    world.note(|| format!("stream {key}: a test event at {:?}", event.seq));
}
