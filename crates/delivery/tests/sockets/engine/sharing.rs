//! No stream takes more than its share.

use domain::catalog::EventType::UserCreated;

use super::receiver::{Answer, Receiver};
use super::world::{World, fast_policy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_requests_are_under_way_than_a_stream_may_have() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut policy = fast_policy();
    policy.limits.in_flight_max = 3;
    let engine = world.engine_with(policy).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.otherwise(Answer::Held);
    for number in 0..20 {
        world.user(&format!("u{number}")).await;
    }
    receiver.wait_for(3).await;
    receiver.release();
    receiver.wait_for(20).await;
    world.until_settled(stream).await;
    assert_eq!(receiver.most_at_once(), 3);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_full_leave_room_for_the_others() {
    const EVENTS: usize = 50;
    let world = World::new().await;
    // Room for hardly more than an event a stream.
    let engine = world.engine_of(|settings| settings.all_windows_bytes_max = 1024).await;
    let (good, bad) = (Receiver::start().await, [Receiver::start().await, Receiver::start().await]);
    let mut streams = vec![world.stream(&good, &[UserCreated]).await];
    for receiver in &bad {
        receiver.otherwise(Answer::Held);
        streams.push(world.stream(receiver, &[UserCreated]).await);
    }
    for number in 0..EVENTS {
        world.user(&format!("u{number}")).await;
    }
    good.wait_for(EVENTS).await;
    for receiver in &bad {
        let taken = receiver.bodies().len();
        assert!((1..=3).contains(&taken), "{taken} of {EVENTS} are in the window of one that does not answer");
        receiver.release();
    }
    for receiver in &bad {
        receiver.wait_for(EVENTS).await;
    }
    for stream in streams {
        world.until_settled(stream).await;
    }
    engine.stop().await;
}
