//! What the engine counts, with its checkpoints.

use std::sync::Arc;

use domain::catalog::EventType::UserCreated;
use domain::clock::Timestamp;
use domain::delivery::Cycles;
use domain::ids::StreamId;
use store::{CountedCycles, Statistics, Stretches};

use super::receiver::{Answer, Receiver};
use super::world::World;

const ALWAYS: Stretches =
    Stretches { from: Timestamp::from_millis(0), until: Timestamp::from_millis(i64::MAX / 2), width_ms: 86_400_000 };

/// What was counted of a stream, all days together.
async fn of_stream(world: &World, stream: StreamId) -> Cycles {
    let counted = world.store.cycles_counted(world.tenant, stream, ALWAYS).await.unwrap();
    sum(counted.iter().map(|each| &each.cycles))
}

fn sum<'a>(all: impl Iterator<Item = &'a Cycles>) -> Cycles {
    all.fold(Cycles::default(), |mut sum, each| {
        sum.add(each);
        sum
    })
}

/// The events that were raised, and what was counted of all streams.
async fn of_tenant(world: &World) -> (u64, Cycles) {
    let counted = world.store.events_counted(world.tenant, ALWAYS).await.unwrap();
    (counted.iter().map(|each| each.raised).sum(), sum(counted.iter().map(|each| &each.cycles)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_attempts_and_events_are_counted_with_the_checkpoints() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    let other = world.stream(&receiver, &[UserCreated]).await;
    // Of four attempts three fail; one fails for good.
    receiver.script([Answer::Status(500), Answer::Status(503), Answer::Status(429)]);
    world.user("jane").await;
    receiver.wait_for(5).await;
    world.until_settled(stream).await;
    world.until_settled(other).await;
    receiver.script([Answer::Status(404), Answer::Status(404)]);
    world.user("joe").await;
    receiver.wait_for(7).await;
    engine.stop().await;
    let (one, two) = (of_stream(&world, stream).await, of_stream(&world, other).await);
    assert_eq!((one.delivered, one.failed, two.delivered, two.failed), (1, 1, 1, 1));
    let (raised, all) = of_tenant(&world).await;
    assert_eq!((raised, all.delivered, all.failed), (2, 2, 2));
    assert_eq!(all.attempts_failed, [0, 0, 3, 2, 0], "429 and twice 404; 500 and 503");
    let both = sum([one, two].iter());
    assert_eq!(all, both, "the tenant's are the streams' together");
    assert_eq!(all.durations.iter().sum::<u64>(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_raised_is_counted_once_although_the_engine_dies() {
    let (world, receiver) = (Arc::new(World::new().await), Receiver::start().await);
    let engine = world.mortal_engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    world.raise(50).await;
    world.until_settled(stream).await;
    world.raise(20).await;
    engine.die().await;
    let world = world.reopen();
    world.raise(5).await;
    let engine = world.engine().await;
    world.until_settled(stream).await;
    engine.stop().await;
    assert_eq!(of_tenant(&world).await.0, 75);
    // Deliveries that were made and not saved are made, and counted, again.
    assert_eq!(of_stream(&world, stream).await.delivered, 75);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_waits_says_how_long_and_for_how_many() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_of(|settings| settings.policy.limits.in_flight_max = 1).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    let queue = async || {
        let counted: Vec<CountedCycles> = world.store.cycles_counted(world.tenant, stream, ALWAYS).await.unwrap();
        counted.last().and_then(|each| each.queue)
    };
    receiver.otherwise(Answer::Held);
    world.raise(30).await;
    world
        .until("what waits is counted", || async {
            queue().await.is_some_and(|queue| queue.waiting > 20 && queue.behind >= queue.waiting)
        })
        .await;
    receiver.otherwise(Answer::Status(204));
    receiver.release();
    world.until_settled(stream).await;
    world.until("nothing waits", || async { queue().await.is_some_and(|queue| queue.waiting == 0) }).await;
    let last = queue().await.unwrap();
    assert_eq!(last.behind, 0);
    assert!(last.lag.as_nanos() > 0, "the worst of it stays: {last:?}");
    engine.stop().await;
}
