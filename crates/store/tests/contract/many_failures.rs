//! A hundred thousand failed deliveries and their redelivery: in small steps, across a restart, beside new events.

use domain::delivery::{AttemptStatus, RowChange};
use domain::event::Seq;
use domain::redelivery::{DeliveryFilter, JobKind, JobStatus};
use store::{JobRequested, JobSteps, Log, NewJob, Redeliveries, State};

use crate::backend::{Backend, House};
use crate::checkpoints::{failed, saved, with_rows};
use crate::samples::{self, at, attempt, raised, start};

const COUNT: u64 = 100_000;

/// Events of one change, and rows of one checkpoint.
const AT_ONCE: u64 = 5000;

/// What a job marks in one step.
const STEP: u32 = 2000;

/// One in so many fails once more.
const FAILS_AGAIN_EVERY: u64 = 1000;

/// How many rows of the stream a job has marked, which are those that it wrote.
async fn marked<B: Backend>(house: &House<'_, B>) -> u64 {
    house.store.jobs_due().await.unwrap().iter().map(|due| u64::from(due.marked)).sum()
}

pub(crate) async fn a_hundred_thousand_are_redelivered_in_steps_across_a_restart_beside_new_events<B: Backend>(
    backend: &B,
) {
    let mut house = House::open(backend).await;
    let id = house.stream(1).await.id;
    for first in (1..=COUNT).step_by(AT_ONCE as usize) {
        let numbers = first..first + AT_ONCE;
        house.commit(raised(numbers.clone().map(samples::event).collect())).await.unwrap();
        let rows = numbers.map(failed).collect();
        house.store.checkpoint_save(saved(first + AT_ONCE, vec![with_rows(id, first + AT_ONCE, rows)])).await.unwrap();
    }
    let new = NewJob { start: start(600), kind: JobKind::Failed, filter: DeliveryFilter::default(), rate_per_s: None };
    let began = match house.store.job_begin(house.tenant, id, new).await.unwrap() {
        JobRequested::Begun(job) => *job,
        other => panic!("{other:?}"),
    };
    assert_eq!((began.total, began.waiting()), (Some(COUNT), Some(COUNT)));
    let job = began.start.id;
    assert!(marked(&house).await <= 100, "what is done before the answer is small");

    let (mut ended, mut steps, mut raised_since) = (0, 0, 0);
    while ended < COUNT {
        let before = marked(&house).await;
        let marks = u64::from(house.store.job_step(job, STEP, at(700)).await.unwrap());
        assert!(marks <= u64::from(STEP), "{marks} in one step");
        steps += 1;
        // A new event is committed between any two steps, and is in the log when that is answered.
        let end = house.end();
        house.commit(raised(vec![samples::event(end.0)])).await.unwrap();
        assert_eq!(house.end(), end.next());
        raised_since += 1;
        if steps == 20 {
            let was = house.store.job_get(house.tenant, id, job).await.unwrap();
            house = house.reopen().await;
            assert_eq!(house.store.job_get(house.tenant, id, job).await.unwrap(), was, "it is where it was");
            assert_eq!(marked(&house).await, before + marks, "no step is lost, none made twice");
        }
        let waiting = house.store.redeliveries_waiting(id, Seq::ZERO, 100_000).await.unwrap();
        let waiting: Vec<u64> = waiting.iter().map(|each| each.seq.0).collect();
        let first = ended + 1;
        assert_eq!(waiting, (first..first + before + marks).collect::<Vec<_>>(), "each once, in order");
        let rows = waiting.iter().map(|seq| match *seq {
            seq if seq % FAILS_AGAIN_EVERY == 0 => {
                RowChange::FailedAgain { seq: Seq(seq), attempts: vec![attempt(800)], redelivery: true }
            }
            seq => RowChange::Recovered { seq: Seq(seq) },
        });
        let rows = rows.collect();
        let frontier = COUNT + 1 + raised_since;
        house.store.checkpoint_save(saved(frontier, vec![with_rows(id, frontier, rows)])).await.unwrap();
        ended += waiting.len() as u64;
        let now = house.store.job_get(house.tenant, id, job).await.unwrap().unwrap();
        let again = ended / FAILS_AGAIN_EVERY;
        assert_eq!((now.redelivered, now.failed, now.waiting()), (ended - again, again, Some(COUNT - ended)));
    }
    let job = house.store.job_get(house.tenant, id, job).await.unwrap().unwrap();
    assert_eq!((job.status, job.total), (JobStatus::Completed, Some(COUNT)));
    assert!(steps >= COUNT / u64::from(STEP), "{steps} steps");
    let left = COUNT / FAILS_AGAIN_EVERY;
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), left);
    let page = house.store.failure_page(house.tenant, id, DeliveryFilter::default(), Seq::ZERO, 1000).await.unwrap();
    assert!(page.iter().all(|failure| failure.seq.0 % FAILS_AGAIN_EVERY == 0 && failure.attempts.len() == 4));
    assert!(page.iter().all(|failure| failure.attempts[2].status == AttemptStatus::Retrying));
    assert_eq!(house.end(), Seq(COUNT + 1 + raised_since));
}
