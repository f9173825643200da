//! Redelivery jobs, missed events and test events, as a receiver sees them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::catalog::EventType::{self, UserCreated, UserDeleted};
use domain::catalog::sample;
use domain::clock::Timestamp;
use domain::delivery::Policy;
use domain::event::Source;
use domain::ids::{JobId, StreamId};
use domain::redelivery::{DeliveryFilter, JobKind, JobStatus, RedeliveryJob};
use domain::stream::StreamStatus::{Disabled, Enabled};
use domain::test_event::test_event;
use store::{JobChanged, JobRequested, NewJob, Redeliveries, State, Statistics, Stretches};

use super::receiver::{Answer, Receiver};
use super::world::{Counter, World, fast_policy};

/// A policy by which nothing is ever disabled, and everything that fails has failed at once.
fn patient_policy() -> Policy {
    let mut policy = fast_policy();
    policy.schedule.waits = Vec::new();
    policy.failures_in_row_max = u32::MAX;
    policy.failures_outstanding_max = u32::MAX;
    policy
}

async fn begin(world: &World, stream: StreamId, kind: JobKind, rate_per_s: Option<u32>) -> JobId {
    let new = NewJob { start: world.start(), kind, filter: DeliveryFilter::default(), rate_per_s };
    match world.store.job_begin(world.tenant, stream, new).await.unwrap() {
        JobRequested::Begun(job) => job.start.id,
        other => panic!("{other:?}"),
    }
}

async fn get(world: &World, stream: StreamId, job: JobId) -> RedeliveryJob {
    world.store.job_get(world.tenant, stream, job).await.unwrap().unwrap()
}

async fn until_ended(world: &World, stream: StreamId, job: JobId) -> RedeliveryJob {
    world.until("the job has ended", || async { get(world, stream, job).await.status.has_ended() }).await;
    get(world, stream, job).await
}

/// Has `count` deliveries fail.
async fn fail(world: &World, receiver: &Receiver, stream: StreamId, count: usize) {
    receiver.otherwise(Answer::Status(400));
    for number in 0..count {
        world.user(&format!("f{number}")).await;
    }
    let count = count as u64;
    world
        .until("they have failed", || async { world.store.failure_count(world.tenant, stream).await.unwrap() == count })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_failed_is_redelivered_by_a_job() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    fail(&world, &receiver, stream, 600).await;
    receiver.script((0..20).map(|_| Answer::Status(404)));
    receiver.otherwise(Answer::Status(204));
    let job = begin(&world, stream, JobKind::Failed, None).await;
    let ended = until_ended(&world, stream, job).await;
    assert_eq!((ended.status, ended.total), (JobStatus::Completed, Some(600)));
    assert_eq!((ended.redelivered, ended.failed), (580, 20));
    assert_eq!(world.store.failure_count(world.tenant, stream).await.unwrap(), 20);
    assert_eq!(receiver.bodies().len(), 1200);
    let (from, until) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX / 2));
    let always = Stretches { from, until, width_ms: 86_400_000 };
    let counted = world.store.cycles_counted(world.tenant, stream, always).await.unwrap();
    let sum = counted.iter().fold((0, 0), |(d, f), each| (d + each.cycles.delivered, f + each.cycles.failed));
    assert_eq!(sum, (580, 620), "each delivery is counted once, and each redelivery");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_failures_than_the_default_limit_are_redelivered_in_steps() {
    const COUNT: u64 = 6000;
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.otherwise(Answer::Status(400));
    world.raise(COUNT).await;
    let failures = || async { world.store.failure_count(world.tenant, stream).await.unwrap() };
    world.until("all have failed", || async { failures().await == COUNT }).await;
    receiver.otherwise(Answer::Status(204));
    let job = begin(&world, stream, JobKind::Failed, None).await;
    let ended = until_ended(&world, stream, job).await;
    assert_eq!((ended.total, ended.redelivered, failures().await), (Some(COUNT), COUNT, 0));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_where_it_was_after_a_crash() {
    let (world, receiver) = (Arc::new(World::new().await), Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    fail(&world, &receiver, stream, 1500).await;
    engine.stop().await;
    receiver.otherwise(Answer::Status(204));
    let job = begin(&world, stream, JobKind::Failed, None).await;
    let engine = world.mortal_engine().await;
    receiver.wait_for(1500 + 200).await;
    engine.die().await;
    let world = world.reopen();
    let before = get(&world, stream, job).await;
    assert!(before.redelivered < 1500, "it died in between: {before:?}");
    let engine = world.engine_with(patient_policy()).await;
    let ended = until_ended(&world, stream, job).await;
    assert_eq!((ended.status, ended.redelivered, ended.failed), (JobStatus::Completed, 1500, 0));
    assert_eq!(world.store.failure_count(world.tenant, stream).await.unwrap(), 0);
    assert_eq!(receiver.users().into_iter().collect::<BTreeSet<_>>().len(), 1500);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redeliveries_do_not_hold_up_new_events() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    fail(&world, &receiver, stream, 500).await;
    // Whatever is redelivered first hangs for good; new events are answered.
    let before = receiver.bodies().len();
    receiver.otherwise(Answer::Hang);
    let job = begin(&world, stream, JobKind::Failed, None).await;
    receiver.wait_for(before + 12).await;
    receiver.otherwise(Answer::Status(204));
    for number in 0..50 {
        world.user(&format!("new{number}")).await;
    }
    world.until_settled(stream).await;
    let news = receiver.users().iter().filter(|user| user.starts_with("auth0|new")).count();
    assert_eq!(news, 50);
    assert!(!get(&world, stream, job).await.status.has_ended(), "those that hang are still under way");
    drop(engine);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_paused_and_resumed_while_it_runs() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    fail(&world, &receiver, stream, 300).await;
    receiver.otherwise(Answer::Held);
    let job = begin(&world, stream, JobKind::Failed, None).await;
    receiver.wait_for(300 + 12).await;
    let change = async |status| {
        let changed = world.store.job_change(world.tenant, stream, job, status, world.start().at).await.unwrap();
        assert!(matches!(changed, JobChanged::Changed(_)), "{changed:?}");
    };
    change(JobStatus::Paused).await;
    receiver.otherwise(Answer::Status(204));
    receiver.release();
    // New events show that the stream goes on; soon nothing else is sent.
    for number in 0..20 {
        world.user(&format!("jane{number}")).await;
        world.until_settled(stream).await;
    }
    let before = receiver.bodies().len();
    world.user("joe").await;
    world.until_settled(stream).await;
    assert_eq!(receiver.bodies().len(), before + 1);
    let settled = get(&world, stream, job).await;
    assert!((12..300).contains(&settled.redelivered), "{settled:?}");
    change(JobStatus::Running).await;
    let ended = until_ended(&world, stream, job).await;
    assert_eq!((ended.status, ended.redelivered, ended.failed), (JobStatus::Completed, 300, 0));
    let mut users = receiver.users();
    users.sort();
    users.dedup();
    assert_eq!(receiver.bodies().len() - users.len(), 300, "nothing was redelivered twice");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_canceled_while_it_runs_sends_no_more_and_leaves_the_rest_failed() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    fail(&world, &receiver, stream, 300).await;
    receiver.otherwise(Answer::Held);
    let job = begin(&world, stream, JobKind::Failed, None).await;
    receiver.wait_for(300 + 12).await;
    let at = world.start().at;
    let canceled = world.store.job_change(world.tenant, stream, job, JobStatus::Canceled, at).await.unwrap();
    assert!(matches!(canceled, JobChanged::Changed(_)), "{canceled:?}");
    receiver.otherwise(Answer::Status(204));
    receiver.release();
    // New events show that the stream goes on; soon nothing else is sent.
    for number in 0..20 {
        world.user(&format!("jane{number}")).await;
        world.until_settled(stream).await;
    }
    let before = receiver.bodies().len();
    world.user("joe").await;
    world.until_settled(stream).await;
    assert_eq!(receiver.bodies().len(), before + 1);
    let ended = get(&world, stream, job).await;
    assert_eq!(ended.status, JobStatus::Canceled);
    let left = world.store.failure_count(world.tenant, stream).await.unwrap();
    assert!((1..300).contains(&left), "{left} of 300 are left");
    // What it has not come to is a failed delivery as before, and another job takes it up; nothing comes twice.
    let rest = begin_and_end(&world, stream).await;
    assert_eq!((rest.status, rest.total, rest.redelivered), (JobStatus::Completed, Some(left), left));
    let mut users = receiver.users();
    users.sort();
    users.dedup();
    assert_eq!(receiver.bodies().len() - users.len(), 300, "each was sent once more");
    engine.stop().await;
}

async fn begin_and_end(world: &World, stream: StreamId) -> RedeliveryJob {
    let job = begin(world, stream, JobKind::Failed, None).await;
    until_ended(world, stream, job).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_keeps_to_its_rate() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    fail(&world, &receiver, stream, 40).await;
    receiver.otherwise(Answer::Status(204));
    let began = world.start().at;
    let job = begin(&world, stream, JobKind::Failed, Some(20)).await;
    until_ended(&world, stream, job).await;
    let took = world.start().at.since(began);
    assert!(took >= Duration::from_millis(900), "twenty at once, and twenty in the second after that: {took:?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_is_delivered_beside_new_events_in_its_order() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated, EventType::UserUpdated]).await;
    world.set_status(stream, Disabled).await;
    world.user("jane").await;
    for round in 0..10 {
        world.rename("jane", &format!("j{round}")).await;
        world.user(&format!("u{round}")).await;
    }
    world.set_status(stream, Enabled).await;
    world.user("joe").await;
    receiver.wait_for(1).await;
    world.until_settled(stream).await;
    assert_eq!(receiver.users(), ["auth0|joe"], "the contract's way: from now on");
    // One fails once: those behind it about the same user wait.
    receiver.script([Answer::Status(500)]);
    let job = begin(&world, stream, JobKind::Missed, None).await;
    let ended = until_ended(&world, stream, job).await;
    assert_eq!((ended.total, ended.redelivered), (Some(21), 21));
    let of_jane = |body: &serde_json::Value| body["data"]["object"]["user_id"] == "auth0|jane";
    let mut nicknames: Vec<_> = receiver
        .bodies()
        .iter()
        .filter(|body| of_jane(body))
        .map(|body| body["data"]["object"]["nickname"].as_str().unwrap().to_owned())
        .collect();
    nicknames.dedup();
    let expected: Vec<_> = std::iter::once("jane".to_owned()).chain((0..10).map(|round| format!("j{round}"))).collect();
    assert_eq!(nicknames, expected);
    assert!(world.store.missed_ranges(world.tenant, stream).await.unwrap().is_empty());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_stream_gets_redeliveries_missed_and_test_events() {
    let (world, receiver, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let engine = world.engine_with(patient_policy()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    let bystander = world.stream(&other, EventType::ALL).await;
    fail(&world, &receiver, stream, 1).await;
    world.set_status(stream, Disabled).await;
    world.user("missed").await;
    receiver.otherwise(Answer::Status(204));
    let test = |event_type| {
        let source = Source::new("acme", "acme.example");
        test_event(
            event_type,
            event_type.name().unwrap(),
            sample(event_type).unwrap(),
            &source,
            world.start().at,
            &Counter::default(),
        )
    };
    let tested = test(UserDeleted);
    world.store.test_event_append(world.tenant, stream, tested.clone()).await.unwrap();
    let failed = begin(&world, stream, JobKind::Failed, None).await;
    let missed = begin(&world, stream, JobKind::Missed, None).await;
    until_ended(&world, stream, failed).await;
    until_ended(&world, stream, missed).await;
    receiver.wait_for(1 + 3).await;
    let bodies = receiver.bodies();
    let test_bodies: Vec<_> = bodies.iter().filter(|body| body["a0purpose"] == "test").collect();
    assert_eq!(test_bodies.len(), 1);
    assert_eq!(
        (&test_bodies[0]["type"], &test_bodies[0]["id"]),
        (&"user.deleted".into(), &tested.id.to_string().into())
    );
    // One that fails is a failed delivery, and can be redelivered.
    receiver.otherwise(Answer::Status(410));
    let second = test(EventType::GroupCreated);
    world.store.test_event_append(world.tenant, stream, second.clone()).await.unwrap();
    world.until("it has failed", || async { world.failures(stream).await.len() == 1 }).await;
    assert_eq!(world.failures(stream).await[0].event_id, second.id);
    receiver.otherwise(Answer::Status(204));
    begin_and_end(&world, stream).await;
    assert!(world.failures(stream).await.is_empty());
    // Nobody else has got any of it.
    world.until_settled(bystander).await;
    assert!(other.bodies().iter().all(|body| body.get("a0purpose").is_none()));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_event_passes_a_backlog_and_comes_whatever_the_stream_subscribes_to() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut policy = patient_policy();
    (policy.limits.in_flight_start, policy.limits.in_flight_max) = (1, 1);
    let stream = world.stream(&receiver, &[UserCreated]).await;
    for number in 0..500 {
        world.user(&format!("u{number}")).await;
    }
    let source = Source::new("acme", "acme.example");
    let kind = EventType::ConnectionCreated;
    let event =
        test_event(kind, kind.name().unwrap(), sample(kind).unwrap(), &source, world.start().at, &Counter::default());
    world.store.test_event_append(world.tenant, stream, event).await.unwrap();
    let engine = world.engine_with(policy).await;
    receiver.wait_for(501).await;
    let place = receiver.bodies().iter().position(|body| body["a0purpose"] == "test").unwrap();
    assert!(place < 100, "it came as the {place}th");
    engine.stop().await;
}
