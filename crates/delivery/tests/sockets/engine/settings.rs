//! Streams whose owners want it otherwise than the contract: rates, requests in flight, schedules, changed while events
//! are under way.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::catalog::EventType::UserCreated;
use domain::change::{StreamPatch, Write};
use domain::clock::Clock;
use domain::delivery_settings::{Delays, DeliverySettings, Retry, StaticHeaders};
use domain::ids::StreamId;
use domain::place::{Place, StartFrom};
use domain::stream::StreamOptions;

use super::receiver::{Answer, Receiver};
use super::world::World;

async fn stream_with(world: &World, receiver: &Receiver, delivery: DeliverySettings) -> StreamId {
    let mut stream = world.new_stream(receiver, &[UserCreated]);
    stream.options.delivery = delivery;
    world.stream_create(Write::StreamStart(Box::new(stream.clone()), StartFrom::Place(Place::Now))).await;
    stream.id
}

async fn change(world: &World, stream: StreamId, delivery: DeliverySettings) {
    let options = Some(StreamOptions { delivery, ..StreamOptions::default() });
    world.stream_patch(stream, StreamPatch { options, ..StreamPatch::default() }).await;
}

fn rate(per_s: u32) -> DeliverySettings {
    DeliverySettings { rate_per_s: NonZeroU32::new(per_s), ..DeliverySettings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_holds_for_its_own_stream_only() {
    let (world, slow, fast) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let engine = world.engine().await;
    let limited = stream_with(&world, &slow, rate(1)).await;
    let free = world.stream(&fast, &[UserCreated]).await;
    world.raise(30).await;
    world.until_settled(free).await;
    // All of them would take half a minute.
    let meanwhile = slow.bodies().len();
    assert!(meanwhile < 30, "{meanwhile}");
    let began = world.clock.now().steady;
    change(&world, limited, rate(20)).await;
    world.until_settled(limited).await;
    assert_eq!((fast.bodies().len(), slow.bodies().len()), (30, 30));
    // Two at once, then twenty a second; what was sent before it heard of that is left out.
    let least = Duration::from_millis(50) * u32::try_from(30_usize.saturating_sub(meanwhile + 4)).unwrap();
    assert!(world.clock.now().steady - began >= least, "{least:?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_settings_hold_for_a_stream_under_way() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    receiver.otherwise(Answer::Held);
    let stream = stream_with(&world, &receiver, rate(1)).await;
    world.raise(10).await;
    receiver.wait_for(1).await;
    let headers = StaticHeaders::new([("x-team".to_owned(), "crm".to_owned())].into()).unwrap();
    let few = DeliverySettings { in_flight_max: NonZeroU32::new(2), headers, ..DeliverySettings::default() };
    change(&world, stream, few).await;
    receiver.wait_for(2).await;
    receiver.release();
    world.until_settled(stream).await;
    assert_eq!(receiver.most_at_once(), 2);
    assert_eq!(receiver.headers("x-team").last().unwrap().as_deref(), Some("crm"));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_of_its_own_decides_how_often_is_tried() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    receiver.otherwise(Answer::Status(500));
    let retry = |delays: &[u32]| Retry::Delays(Delays::new(delays.to_vec()).unwrap());
    let once = DeliverySettings { retry: retry(&[]), ..DeliverySettings::default() };
    let stream = stream_with(&world, &receiver, once).await;
    world.user("jane").await;
    world.until("the delivery has failed", async || world.failures(stream).await.len() == 1).await;
    assert_eq!(receiver.bodies().len(), 1);
    let began = world.clock.now().steady;
    change(&world, stream, DeliverySettings { retry: retry(&[1]), ..DeliverySettings::default() }).await;
    world.user("joe").await;
    world.until("another delivery has failed", async || world.failures(stream).await.len() == 2).await;
    assert_eq!(receiver.bodies().len(), 3);
    assert!(world.clock.now().steady - began >= Duration::from_secs(1));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_stream_parks_what_fails_and_goes_on_with_others() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine_of(|settings| settings.policy.limits.wait_in_window_max = Duration::from_secs(1)).await;
    receiver.script([Answer::Status(500)]);
    let stream = stream_with(&world, &receiver, DeliverySettings { retry: Retry::Patient, ..Default::default() }).await;
    world.user("jane").await;
    receiver.wait_for(1).await;
    world.user("joe").await;
    receiver.wait_for(2).await;
    // The first one waits its five seconds as a row, which a restart would find.
    world.until_settled(stream).await;
    receiver.wait_for(3).await;
    assert_eq!(receiver.users(), ["auth0|jane", "auth0|joe", "auth0|jane"]);
    assert!(world.failures(stream).await.is_empty());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_says_later_is_asked_later() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    for status in [429, 503] {
        receiver.script([Answer::Later(status, 1)]);
        let (began, before) = (world.clock.now().steady, receiver.bodies().len());
        world.user(&format!("u{status}")).await;
        receiver.wait_for(before + 2).await;
        // The schedule would have waited ten milliseconds.
        assert!(world.clock.now().steady - began >= Duration::from_secs(1), "{status}");
        world.until_settled(stream).await;
    }
    engine.stop().await;
}
