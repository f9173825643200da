//! Streams that were disabled because they kept failing, and come back by themselves.

use std::time::Duration;

use delivery::{Engine, ProbeWaits};
use domain::catalog::EventType::{self, UserCreated, UserUpdated};
use domain::change::{Expect, StreamPatch, Write};
use domain::delivery::Policy;
use domain::ids::StreamId;
use domain::recovery::Recovery;
use domain::redelivery::{DeliveryFilter, JobKind};
use domain::stream::StreamStatus::{Disabled, Enabled};
use store::{NewJob, Redeliveries, State};

use super::receiver::{Answer, Receiver};
use super::world::{World, fast_policy};

/// How many failures in a row disable a stream here.
const FAILURES: usize = 3;

/// An engine that probes often.
async fn probing(world: &World) -> Engine {
    engine(world, ProbeWaits { min: Duration::from_millis(20), max: Duration::from_millis(100) }).await
}

async fn engine(world: &World, waits: ProbeWaits) -> Engine {
    let policy = Policy { failures_in_row_max: u32::try_from(FAILURES).unwrap(), ..fast_policy() };
    world.engine_of(|settings| (settings.policy, settings.probe_waits) = (policy, waits)).await
}

async fn stream(world: &World, receiver: &Receiver, recover: Recovery) -> StreamId {
    let mut stream = world.new_stream(receiver, &[UserCreated, UserUpdated]);
    stream.options.delivery.recover = recover;
    world.stream_create(Write::StreamPut(Expect::Absent, Box::new(stream.clone()))).await;
    stream.id
}

async fn set_recover(world: &World, id: StreamId, recover: Recovery) {
    let mut options = world.store.stream_get(world.tenant, id).await.unwrap().unwrap().value.options;
    options.delivery.recover = recover;
    world.stream_patch(id, StreamPatch { options: Some(options), ..StreamPatch::default() }).await;
}

/// Has deliveries fail until these streams are disabled, one event after another.
async fn fail(world: &World, streams: &[(StreamId, &Receiver)]) {
    for (_, receiver) in streams {
        receiver.otherwise(Answer::Status(400));
    }
    for number in 0..FAILURES {
        world.user(&format!("f{number}")).await;
        for (stream, _) in streams {
            world.until_settled_or_disabled(*stream).await;
        }
    }
    for (stream, _) in streams {
        world.until("the stream is disabled", || async { world.status(*stream).await == Disabled }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_comes_back_by_itself_with_everything_that_it_has_missed_in_order() {
    let (world, receiver, operator) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let engine = probing(&world).await;
    world.stream(&operator, EventType::OPERATIONAL).await;
    let id = stream(&world, &receiver, Recovery::Probe).await;
    fail(&world, &[(id, &receiver)]).await;
    world.user("jane").await;
    for round in 0..5 {
        world.rename("jane", &format!("j{round}")).await;
    }
    // It is probed in vain, before the receiver is well.
    receiver.wait_for(FAILURES + 2).await;
    assert_eq!(world.status(id).await, Disabled);
    receiver.otherwise(Answer::Status(204));
    world.until("the stream is enabled", || async { world.status(id).await == Enabled }).await;
    world.user("after").await;
    world.until_settled(id).await;
    let of_jane = |body: &serde_json::Value| body["data"]["object"]["user_id"] == "auth0|jane";
    let bodies = receiver.bodies();
    let nicknames: Vec<_> = bodies
        .iter()
        .filter(|body| of_jane(body))
        .map(|body| body["data"]["object"]["nickname"].as_str().unwrap())
        .collect();
    assert_eq!(nicknames, ["jane", "j0", "j1", "j2", "j3", "j4"]);
    assert!(receiver.users().contains(&"auth0|after".to_owned()));
    assert_eq!(world.failures(id).await.len(), FAILURES - 1, "the probe that was taken is outstanding no more");
    let told = || operator.bodies().last().map(|body| body["type"].as_str().unwrap().to_owned());
    let recovered = Some("headwater.stream.recovered".to_owned());
    world.until("the operator is told", || async { told() == recovered }).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_receiver_fails_a_stream_stays_disabled_and_no_failure_piles_up() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = probing(&world).await;
    let id = stream(&world, &receiver, Recovery::Probe).await;
    fail(&world, &[(id, &receiver)]).await;
    world.raise(10).await;
    receiver.wait_for(FAILURES + 4).await;
    let newest = format!("auth0|f{}", FAILURES - 1);
    assert!(receiver.users()[FAILURES..].iter().all(|user| *user == newest), "{:?}", receiver.users());
    assert_eq!(world.status(id).await, Disabled);
    engine.stop().await;
    let failures = world.failures(id).await;
    assert_eq!(failures.len(), FAILURES);
    assert!(failures[..FAILURES - 1].iter().all(|failure| failure.attempts.len() == 1));
    assert!(failures[FAILURES - 1].attempts.len() > 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_wants_it_is_probed_and_only_as_long() {
    let (world, wanting, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let engine = probing(&world).await;
    let (probed, not) =
        (stream(&world, &wanting, Recovery::Probe).await, stream(&world, &other, Recovery::Manual).await);
    fail(&world, &[(probed, &wanting), (not, &other)]).await;
    wanting.wait_for(FAILURES + 3).await;
    assert_eq!(other.bodies().len(), FAILURES);
    // Both change their mind.
    set_recover(&world, probed, Recovery::Manual).await;
    let requests = wanting.bodies().len();
    set_recover(&world, not, Recovery::Probe).await;
    other.wait_for(FAILURES + 3).await;
    let under_way = 1;
    assert!(wanting.bodies().len() <= requests + under_way);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_its_owner_has_disabled_is_not_probed() {
    let (world, receiver, by_hand) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let engine = probing(&world).await;
    let owned = stream(&world, &by_hand, Recovery::Probe).await;
    by_hand.otherwise(Answer::Status(400));
    world.user("jane").await;
    world.until("the delivery has failed", || async { world.failures(owned).await.len() == 1 }).await;
    world.set_status(owned, Disabled).await;
    let id = stream(&world, &receiver, Recovery::Probe).await;
    fail(&world, &[(id, &receiver)]).await;
    receiver.wait_for(FAILURES + 3).await;
    assert_eq!(by_hand.bodies().len(), 1);
    assert_eq!(world.status(owned).await, Disabled);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_stream_is_probed_after_a_restart() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let before = engine(&world, ProbeWaits::default()).await;
    let id = stream(&world, &receiver, Recovery::Probe).await;
    fail(&world, &[(id, &receiver)]).await;
    world.user("missed").await;
    before.stop().await;
    assert_eq!(receiver.bodies().len(), FAILURES, "the first wait is longer than that");
    receiver.otherwise(Answer::Status(204));
    let after = probing(&world).await;
    world.until("the stream is enabled", || async { world.status(id).await == Enabled }).await;
    world.until_settled(id).await;
    let newest = format!("auth0|f{}", FAILURES - 1);
    assert_eq!(receiver.users()[FAILURES..], [newest, "auth0|missed".to_owned()]);
    after.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_everything_was_redelivered_a_missed_event_is_tried() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = probing(&world).await;
    let id = stream(&world, &receiver, Recovery::Manual).await;
    fail(&world, &[(id, &receiver)]).await;
    receiver.otherwise(Answer::Status(204));
    let (start, filter) = (world.start(), DeliveryFilter::default());
    let job = NewJob { start, kind: JobKind::Failed, filter, rate_per_s: None };
    world.store.job_begin(world.tenant, id, job).await.unwrap();
    world.until("nothing is outstanding", || async { world.failures(id).await.is_empty() }).await;
    world.user("missed").await;
    set_recover(&world, id, Recovery::Probe).await;
    world.until("the stream is enabled", || async { world.status(id).await == Enabled }).await;
    world.until_settled(id).await;
    // Once as the probe, once in its turn.
    assert_eq!(receiver.users()[2 * FAILURES..], ["auth0|missed", "auth0|missed"]);
    engine.stop().await;
}
