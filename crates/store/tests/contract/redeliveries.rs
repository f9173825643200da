//! Redelivery jobs, what is delivered out of turn, and what a stream has missed.

use domain::catalog::EventType;
use domain::change::{Revision, Write};
use domain::delivery::{AttemptStatus, Cause, RowChange};
use domain::event::Seq;
use domain::ids::{JobId, StreamId};
use domain::place::{Place, Resume};
use domain::redelivery::{DeliveryFilter, JobKind, JobStatus, RedeliveryJob};
use domain::stream::StreamStatus;
use store::{
    Counted, JobChanged, JobRequested, JobSteps, Log, MissedRange, NewJob, Redeliveries, RetentionPass, SeekMode, State,
};

use crate::backend::{Backend, House};
use crate::checkpoints::{failed, saved, with_rows};
use crate::samples::{self, at, attempt, start};

/// A stream of which the deliveries of all of `count` events have failed.
async fn failing<B: Backend>(backend: &B, count: u64) -> (House<'_, B>, StreamId) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    house.append(count).await;
    let rows = (1..=count).map(failed).collect();
    house.store.checkpoint_save(saved(count + 1, vec![with_rows(id, count + 1, rows)])).await.unwrap();
    (house, id)
}

fn new(kind: JobKind) -> NewJob {
    NewJob { start: start(600), kind, filter: DeliveryFilter::default(), rate_per_s: None }
}

async fn begin<B: Backend>(house: &House<'_, B>, id: StreamId, job: NewJob) -> RedeliveryJob {
    match house.store.job_begin(house.tenant, id, job).await.unwrap() {
        JobRequested::Begun(job) => *job,
        other => panic!("{other:?}"),
    }
}

async fn get<B: Backend>(house: &House<'_, B>, id: StreamId, job: JobId) -> RedeliveryJob {
    house.store.job_get(house.tenant, id, job).await.unwrap().unwrap()
}

async fn waiting<B: Backend>(house: &House<'_, B>, id: StreamId) -> Vec<(u64, Cause)> {
    let found = house.store.redeliveries_waiting(id, Seq::ZERO, 10_000).await.unwrap();
    found.into_iter().map(|each| (each.seq.0, each.cause)).collect()
}

async fn change<B: Backend>(house: &House<'_, B>, id: StreamId, job: JobId, to: JobStatus) -> JobChanged {
    house.store.job_change(house.tenant, id, job, to, at(900)).await.unwrap()
}

pub(crate) async fn a_job_goes_on_in_steps_and_after_a_restart<B: Backend>(backend: &B) {
    let (house, id) = failing(backend, 250).await;
    let began = begin(&house, id, new(JobKind::Failed)).await;
    assert_eq!((began.total, began.waiting(), began.status), (Some(250), Some(250), JobStatus::Running));
    assert_eq!(began.start.started_by.as_str(), "client1");
    let marked = waiting(&house, id).await.len();
    assert!((1..250).contains(&marked), "the first step is small: {marked}");
    let house = house.reopen().await;
    let job = began.start.id;
    let due = house.store.jobs_due().await.unwrap();
    assert_eq!(due.iter().map(|due| (due.id, due.marked as usize)).collect::<Vec<_>>(), [(job, marked)]);
    assert_eq!(house.store.job_step(job, 7, at(700)).await.unwrap(), 7);
    assert_eq!(house.store.job_step(job, 1000, at(700)).await.unwrap() as usize, 250 - marked - 7);
    assert_eq!(waiting(&house, id).await.len(), 250);
    assert_eq!(house.store.jobs_due().await.unwrap(), [], "there is nothing more to mark");
    let first = house.store.failure_page(house.tenant, id, DeliveryFilter::default(), Seq::ZERO, 1).await.unwrap();
    let last = first[0].attempts.last().unwrap();
    assert_eq!((last.status, last.timestamp), (AttemptStatus::Retrying, at(600)), "when it was accepted");

    let rows = (1..=200).map(|seq| RowChange::Recovered { seq: Seq(seq) });
    let again =
        (201..=249).map(|seq| RowChange::FailedAgain { seq: Seq(seq), attempts: vec![attempt(800)], redelivery: true });
    let rows = rows.chain(again).collect();
    house.store.checkpoint_save(saved(251, vec![with_rows(id, 251, rows)])).await.unwrap();
    let now = get(&house, id, job).await;
    assert_eq!((now.redelivered, now.failed, now.waiting(), now.ended_at), (200, 49, Some(1), None));
    let rows = vec![RowChange::Recovered { seq: Seq(250) }];
    house.store.checkpoint_save(saved(251, vec![with_rows(id, 251, rows)])).await.unwrap();
    let ended = get(&house, id, job).await;
    assert_eq!((ended.status, ended.waiting(), ended.ended_at), (JobStatus::Completed, Some(0), Some(at(1000))));
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), 49);
    assert_eq!(change(&house, id, job, JobStatus::Canceled).await, JobChanged::HasEnded);
}

pub(crate) async fn a_job_redelivers_what_is_meant<B: Backend>(backend: &B) {
    let (house, id) = failing(backend, 10).await;
    let log = house.events().await;
    let time = |number: usize| log[number].event.time;
    let of = |event_type| Some([event_type].into_iter().collect());
    let filter =
        DeliveryFilter { date_from: Some(time(2)), date_to: Some(time(7)), event_types: of(log[2].event.event_type) };
    let meant: Vec<u64> = log
        .iter()
        .filter(|logged| filter.matches(logged.event.event_type, logged.event.time))
        .map(|logged| logged.seq.0)
        .collect();
    assert!(!meant.is_empty() && meant.len() < 10);
    let counted = house.store.job_count(house.tenant, id, JobKind::Failed, filter.clone()).await.unwrap();
    assert_eq!(counted, Some(Counted { events: meant.len() as u64, is_all: true }));
    assert_eq!(waiting(&house, id).await, [], "counting redelivers nothing");
    let page = house.store.failure_page(house.tenant, id, filter.clone(), Seq::ZERO, 100).await.unwrap();
    assert_eq!(page.iter().map(|failure| failure.seq.0).collect::<Vec<_>>(), meant);
    let job = begin(&house, id, NewJob { filter: filter.clone(), ..new(JobKind::Failed) }).await;
    assert_eq!((job.total, job.filter), (Some(meant.len() as u64), filter.clone()));
    let all: Vec<_> = meant.iter().map(|seq| (*seq, Cause::Failed)).collect();
    assert_eq!(waiting(&house, id).await, all);
    // A second one passes over what waits already, and so has nothing to do.
    let second = begin(&house, id, NewJob { filter: filter.clone(), ..new(JobKind::Failed) }).await;
    assert_eq!((second.status, second.total), (JobStatus::Completed, Some(0)));
    assert_eq!(waiting(&house, id).await, all);
    let jobs = house.store.job_page(house.tenant, id, None, 10).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.start.id).collect::<Vec<_>>(), [job.start.id, second.start.id]);
    assert_eq!(house.store.job_page(house.tenant, id, Some(job.start.id), 10).await.unwrap(), [second]);
    let none = DeliveryFilter { event_types: of(EventType::GroupCreated), ..filter };
    assert_eq!(house.store.failure_page(house.tenant, id, none, Seq::ZERO, 100).await.unwrap(), []);
}

pub(crate) async fn a_job_is_paused_resumed_and_canceled<B: Backend>(backend: &B) {
    let (house, id) = failing(backend, 20).await;
    let job = begin(&house, id, NewJob { rate_per_s: Some(5), ..new(JobKind::Failed) }).await.start.id;
    assert_eq!(waiting(&house, id).await.len(), 5, "a second's worth");
    let withdrawals = house.store.heads().borrow().withdrawals;
    assert!(matches!(change(&house, id, job, JobStatus::Paused).await, JobChanged::Changed(_)));
    assert!(house.store.heads().borrow().withdrawals > withdrawals);
    assert_eq!(waiting(&house, id).await, []);
    let asked = vec![Seq(1), Seq(2), Seq(9)];
    assert_eq!(house.store.redeliveries_withdrawn(id, asked.clone()).await.unwrap(), asked);
    assert_eq!(house.store.job_step(job, 10, at(700)).await.unwrap(), 0);
    let house = house.reopen().await;
    assert_eq!(house.store.jobs_due().await.unwrap(), []);
    // What was in flight ends and is counted.
    let rows = vec![RowChange::Recovered { seq: Seq(1) }];
    house.store.checkpoint_save(saved(21, vec![with_rows(id, 21, rows)])).await.unwrap();
    assert_eq!(get(&house, id, job).await.redelivered, 1);
    change(&house, id, job, JobStatus::Running).await;
    assert_eq!(waiting(&house, id).await.len(), 4);
    assert_eq!(house.store.redeliveries_withdrawn(id, asked).await.unwrap(), [Seq(1), Seq(9)]);
    change(&house, id, job, JobStatus::Canceled).await;
    assert_eq!(waiting(&house, id).await, []);
    let canceled = get(&house, id, job).await;
    assert_eq!((canceled.status, canceled.ended_at, canceled.waiting()), (JobStatus::Canceled, Some(at(900)), Some(0)));
    assert_eq!(change(&house, id, job, JobStatus::Running).await, JobChanged::HasEnded);
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), 19, "they stay");
    // They can be asked for again.
    assert_eq!(begin(&house, id, new(JobKind::Failed)).await.total, Some(19));
}

/// A stream that was enabled for two events, has missed three, of which it wants two, and is `status` now.
async fn missing<B: Backend>(backend: &B, status: StreamStatus) -> (House<'_, B>, StreamId) {
    let house = House::open(backend).await;
    let mut stream = house.stream(1).await;
    house.append(2).await;
    stream.status = StreamStatus::Disabled;
    house.commit(samples::changed(1, &stream)).await.unwrap();
    house.append(30).await;
    if status == StreamStatus::Enabled {
        stream.status = status;
        house.commit(samples::changed(2, &stream)).await.unwrap();
    }
    house.append(2).await;
    (house, stream.id)
}

async fn missed<B: Backend>(house: &House<'_, B>, id: StreamId) -> Vec<MissedRange> {
    house.store.missed_ranges(house.tenant, id).await.unwrap()
}

/// Of the positions in a range, those whose events the sample stream wants.
async fn wanted<B: Backend>(house: &House<'_, B>, range: std::ops::Range<u64>) -> Vec<(u64, Cause)> {
    let types = samples::stream(1).event_types();
    let log = house.events().await;
    let in_range = log.iter().filter(|logged| range.contains(&logged.seq.0) && types.contains(logged.event.event_type));
    in_range.map(|logged| (logged.seq.0, Cause::OutOfTurn)).collect()
}

pub(crate) async fn what_a_stream_has_missed_is_shown_and_delivered<B: Backend>(backend: &B) {
    let (house, id) = missing(backend, StreamStatus::Enabled).await;
    let events = wanted(&house, 3..33).await;
    let counted = Counted { events: events.len() as u64, is_all: true };
    assert_eq!(missed(&house, id).await, [MissedRange { from: Seq(3), until: Some(Seq(33)), counted }]);
    assert_eq!(
        house.store.job_count(house.tenant, id, JobKind::Missed, DeliveryFilter::default()).await.unwrap(),
        Some(counted)
    );
    let job = begin(&house, id, new(JobKind::Missed)).await;
    assert_eq!((job.kind, job.total), (JobKind::Missed, Some(events.len() as u64)));
    assert_eq!(missed(&house, id).await, [], "the job has taken it over");
    let house = house.reopen().await;
    assert_eq!(waiting(&house, id).await, events);
    assert_eq!(house.store.redelivery_streams().await.unwrap(), [id]);
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), 0, "it has not failed");
    let mut rows = Vec::new();
    for (index, (seq, _)) in events.iter().enumerate() {
        rows.push(RowChange::TurnEnded { seq: Seq(*seq), delivered: index > 0 });
        if index == 0 {
            rows.push(failed(*seq));
        }
    }
    house.store.checkpoint_save(saved(35, vec![with_rows(id, 35, rows)])).await.unwrap();
    let ended = get(&house, id, job.start.id).await;
    assert_eq!((ended.redelivered, ended.failed), (events.len() as u64 - 1, 1));
    assert_eq!(ended.status, JobStatus::Completed);
    assert_eq!(waiting(&house, id).await, []);
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), 1);
}

pub(crate) async fn a_disabled_stream_gets_what_it_has_missed_so_far<B: Backend>(backend: &B) {
    let (house, id) = missing(backend, StreamStatus::Disabled).await;
    let events = wanted(&house, 3..35).await;
    assert_eq!(
        missed(&house, id).await.iter().map(|range| (range.from, range.until)).collect::<Vec<_>>(),
        [(Seq(3), None)]
    );
    begin(&house, id, new(JobKind::Missed)).await;
    assert_eq!(waiting(&house, id).await, events);
    assert_eq!(missed(&house, id).await, []);
    // What is raised from now on it misses anew, and only that it resumes with.
    house.append(20).await;
    assert_eq!(missed(&house, id).await[0].from, Seq(35));
    let stream = domain::stream::EventStream { status: StreamStatus::Enabled, ..samples::stream(1) };
    house.commit(Write::StreamResume(Revision(2), Box::new(stream), Resume::Position)).await.unwrap();
    let spans = house.state(id).await.spans;
    assert!(!spans.matches(Seq(34), EventType::UserCreated) && spans.matches(Seq(35), EventType::UserCreated));
}

pub(crate) async fn what_a_canceled_job_has_not_come_to_is_missed_again<B: Backend>(backend: &B) {
    let (house, id) = missing(backend, StreamStatus::Enabled).await;
    let events = wanted(&house, 3..33).await;
    let job = begin(&house, id, NewJob { rate_per_s: Some(2), ..new(JobKind::Missed) }).await.start.id;
    assert_eq!(waiting(&house, id).await, events[..2]);
    let rows = vec![RowChange::TurnEnded { seq: Seq(events[0].0), delivered: true }];
    house.store.checkpoint_save(saved(35, vec![with_rows(id, 35, rows)])).await.unwrap();
    change(&house, id, job, JobStatus::Canceled).await;
    assert_eq!(waiting(&house, id).await, []);
    let left = missed(&house, id).await;
    assert_eq!((left.len(), left[0].from, left[0].until), (1, Seq(events[1].0), Some(Seq(33))));
    assert_eq!(left[0].counted.events as usize, events.len() - 1);
    // With a filter, nothing is taken over: not all of it is delivered.
    let filter = DeliveryFilter { date_to: Some(at(0)), ..DeliveryFilter::default() };
    let none = begin(&house, id, NewJob { filter, ..new(JobKind::Missed) }).await;
    assert_eq!((none.status, none.total), (JobStatus::Completed, Some(0)));
    assert_eq!(missed(&house, id).await, left);
}

pub(crate) async fn what_a_move_asked_for_since_is_not_missed_again<B: Backend>(backend: &B) {
    let (house, id) = missing(backend, StreamStatus::Enabled).await;
    let job = begin(&house, id, NewJob { rate_per_s: Some(2), ..new(JobKind::Missed) }).await.start.id;
    let to = Place::Position(Seq(20));
    house.store.stream_seek(house.tenant, id, to, SeekMode::Apply).await.unwrap().unwrap();
    change(&house, id, job, JobStatus::Canceled).await;
    let left: Vec<_> = missed(&house, id).await.iter().map(|range| (range.from.0, range.until)).collect();
    assert_eq!(left, [(wanted(&house, 3..33).await[0].0, Some(Seq(20)))]);
    let spans = house.state(id).await.spans;
    assert!(!spans.matches(Seq(19), EventType::UserCreated) && spans.matches(Seq(20), EventType::UserCreated));
}

pub(crate) async fn a_test_event_is_for_one_stream_out_of_turn<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    let source = domain::event::Source::new("acme", "acme.example");
    let kind = EventType::GroupCreated;
    let event = domain::test_event::test_event(
        kind,
        "group.created",
        domain::catalog::sample(kind).unwrap(),
        &source,
        at(50),
        &crate::backend::Counting::default(),
    );
    let before = house.store.heads().borrow().redeliveries;
    house.store.test_event_append(house.tenant, id, event.clone()).await.unwrap();
    assert!(house.store.heads().borrow().redeliveries > before);
    let house = house.reopen().await;
    let logged = &house.events().await[0];
    assert_eq!((logged.only_stream, &logged.event), (Some(id), &event));
    assert!(!logged.is_for(id), "it is not handed out with the log");
    assert_eq!(waiting(&house, id).await, [(1, Cause::OutOfTurn)]);
    let gone = RetentionPass { events: 1, failures: Vec::new(), oldest: Seq(2) };
    house.append(1).await;
    house.store.checkpoint_save(saved(3, vec![with_rows(id, 3, Vec::new())])).await.unwrap();
    assert_eq!(house.store.retention_pass(at(60), 10).await.unwrap(), gone);
    assert_eq!(waiting(&house, id).await, [], "it goes with its event");
}

pub(crate) async fn jobs_are_bounded_and_their_tenants_own<B: Backend>(backend: &B) {
    let (house, id) = failing(backend, 300).await;
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    let foreign = house.store.job_begin(other, id, new(JobKind::Failed)).await.unwrap();
    assert_eq!(foreign, JobRequested::NoStream);
    let job = begin(&house, id, new(JobKind::Failed)).await.start.id;
    assert_eq!(house.store.job_get(other, id, job).await.unwrap(), None);
    assert_eq!(house.store.job_page(other, id, None, 10).await.unwrap(), []);
    let asked = house.store.job_change(other, id, job, JobStatus::Canceled, at(0)).await.unwrap();
    assert_eq!(asked, JobChanged::NotFound);
    assert_eq!(house.store.job_count(other, id, JobKind::Failed, DeliveryFilter::default()).await.unwrap(), None);
    assert_eq!(house.store.missed_ranges(other, id).await.unwrap(), []);
    let slow = || NewJob { rate_per_s: Some(1), ..new(JobKind::Failed) };
    let mut begun = 1;
    while house.store.job_begin(house.tenant, id, slow()).await.unwrap() != JobRequested::TooMany {
        begun += 1;
        assert!(begun < 150, "there is a limit");
    }
    // With its stream everything goes.
    house.commit(Write::StreamDelete(Revision(1), id)).await.unwrap();
    assert_eq!((house.store.jobs_due().await.unwrap(), waiting(&house, id).await), (vec![], vec![]));
}
