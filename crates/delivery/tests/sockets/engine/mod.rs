//! The engine over the embedded store and real sockets.

mod actions;
mod alerts;
mod counts;
mod erasure;
mod event_bridge;
mod position;
mod probing;
mod receiver;
mod recovery;
mod settings;
mod shaping;
mod sharing;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use domain::catalog::EventType::{UserCreated, UserUpdated};
use domain::change::StreamPatch;
use domain::stream::StreamStatus::{Disabled, Enabled};
use receiver::{Answer, Receiver};
use store::{Redeliveries, RedeliveryRequested};
use world::{World, fast_policy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_reaches_the_webhook() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    world.user("before").await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    world.user("jane").await;
    world.rename("jane", "jj").await;
    world.user("joe").await;
    receiver.wait_for(2).await;
    world.until_settled(stream).await;
    // Different subjects go in parallel, so either may be the first.
    assert_eq!(BTreeSet::from_iter(receiver.users()), ["auth0|jane", "auth0|joe"].map(str::to_owned).into());
    assert_eq!(receiver.bodies()[0]["a0stream"], stream.to_string());
    assert_eq!(receiver.bodies()[0]["type"], "user.created");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_failures_then_success_is_a_success() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.script([500, 503, 502].map(Answer::Status));
    world.user("jane").await;
    receiver.wait_for(4).await;
    world.until_settled(stream).await;
    let ids: BTreeSet<String> = receiver.bodies().iter().map(|body| body["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "the event's id is the same on every attempt");
    assert!(world.failures(stream).await.is_empty());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_holds_within_a_subject_while_others_go_on() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated, UserUpdated]).await;
    receiver.script([500].map(Answer::Status));
    world.user("jane").await;
    for round in 0..20 {
        world.rename("jane", &format!("j{round}")).await;
    }
    world.until_settled(stream).await;
    let nicknames: Vec<_> =
        receiver.bodies().iter().map(|body| body["data"]["object"]["nickname"].as_str().unwrap().to_owned()).collect();
    let mut wanted = vec!["jane".to_owned(), "jane".to_owned()];
    wanted.extend((0..20).map(|round| format!("j{round}")));
    assert_eq!(nicknames, wanted);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_delivery_is_kept_and_can_be_redelivered() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.script([500, 500, 500, 500, 404].map(Answer::Status));
    world.user("jane").await;
    world.until_settled(stream).await;
    world.user("joe").await;
    world.until_settled(stream).await;
    let failures = world.failures(stream).await;
    assert_eq!(failures.iter().map(|failure| failure.attempts.len()).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(failures[1].attempts[0].http_status, Some(404));
    let event = failures[0].event_id;
    let request = || world.store.redelivery_request(world.tenant, stream, event, world.start());
    receiver.script([Answer::Status(400)]);
    assert_eq!(request().await.unwrap(), RedeliveryRequested::Accepted);
    let world = &world;
    world.until("the redelivery has failed", || async { world.failures(stream).await[0].attempts.len() == 6 }).await;
    assert_eq!(request().await.unwrap(), RedeliveryRequested::Accepted);
    world.until("the failure is gone", || async { world.failures(stream).await.len() == 1 }).await;
    assert_eq!(receiver.bodies().len(), 7);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_keeps_failing_is_disabled_and_what_was_tried_is_kept() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut policy = fast_policy();
    policy.failures_in_row_max = 5;
    let engine = world.engine_with(policy).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.otherwise(Answer::Status(400));
    for number in 0..5 {
        world.user(&format!("u{number}")).await;
    }
    let world = &world;
    world.until("the stream is disabled", || async { world.status(stream).await == Disabled }).await;
    assert_eq!(world.failures(stream).await.len(), 5);
    world.user("missed").await;
    receiver.otherwise(Answer::Status(204));
    world.set_status(stream, Enabled).await;
    world.user("after").await;
    receiver.wait_for(6).await;
    world.until_settled(stream).await;
    assert_eq!(receiver.users().last().unwrap(), "auth0|after");
    assert_eq!(receiver.users().len(), 6);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_raised_before_disabling_is_delivered_after_enabling() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut policy = fast_policy();
    policy.limits.in_flight_max = 1;
    policy.schedule.waits = vec![Duration::from_millis(50); 3];
    let engine = world.engine_with(policy).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.otherwise(Answer::Status(500));
    world.user("first").await;
    world.user("second").await;
    receiver.wait_for(1).await;
    world.set_status(stream, Disabled).await;
    world.user("missed").await;
    receiver.otherwise(Answer::Status(204));
    world.set_status(stream, Enabled).await;
    world.user("third").await;
    world.until_settled(stream).await;
    let users: BTreeSet<String> = receiver.users().into_iter().collect();
    assert_eq!(users, ["auth0|first", "auth0|second", "auth0|third"].map(String::from).into());
    assert!(world.failures(stream).await.is_empty());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_window_is_caught_up_with_from_the_log() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let mut policy = fast_policy();
    policy.limits.window_events_max = 8;
    let engine = world.engine_with(policy).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    for number in 0..500 {
        world.user(&format!("u{number}")).await;
    }
    receiver.wait_for(500).await;
    world.until_settled(stream).await;
    assert_eq!(receiver.users().into_iter().collect::<BTreeSet<_>>().len(), 500);
    assert_eq!(receiver.users().len(), 500);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_and_starting_loses_and_repeats_nothing() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let stream = world.stream(&receiver, &[UserCreated]).await;
    for round in 0..5 {
        let engine = world.engine().await;
        for number in 0..40 {
            world.user(&format!("u{round}-{number}")).await;
        }
        engine.stop().await;
    }
    let engine = world.engine().await;
    receiver.wait_for(200).await;
    world.until_settled(stream).await;
    assert_eq!(receiver.users().len(), 200);
    assert_eq!(receiver.users().into_iter().collect::<BTreeSet<_>>().len(), 200);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_receiver_holds_up_its_own_stream_only() {
    let (world, receiver, hanging) = (World::new().await, Receiver::start().await, Receiver::start().await);
    hanging.otherwise(Answer::Hang);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    world.stream(&hanging, &[UserCreated]).await;
    for number in 0..200 {
        world.user(&format!("u{number}")).await;
    }
    receiver.wait_for(200).await;
    world.until_settled(stream).await;
    assert!(hanging.bodies().len() <= 64);
    drop(engine);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_hold_from_where_they_were_made() {
    let (world, receiver, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let stream = world.stream(&receiver, &[UserCreated]).await;
    world.user("jane").await;
    let patch = StreamPatch { subscriptions: Some(vec![UserUpdated]), ..StreamPatch::default() };
    world.stream_patch(stream, patch).await;
    world.user("joe").await;
    world.rename("joe", "jj").await;
    // Nothing ran until now, so the engine sees only the last settings, and the log.
    let engine = world.engine().await;
    receiver.wait_for(2).await;
    world.until_settled(stream).await;
    let types: Vec<_> = receiver.bodies().iter().map(|body| body["type"].clone()).collect();
    assert_eq!(types.len(), 2);
    assert!(types.contains(&"user.created".into()) && types.contains(&"user.updated".into()));
    assert!(other.bodies().is_empty());
    engine.stop().await;
}
