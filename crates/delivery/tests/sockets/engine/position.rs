//! Where a stream starts, how it is moved, what it gets of what it missed, and the order that it asked for, as
//! a receiver sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::catalog::EventType::{UserCreated, UserDeleted, UserUpdated};
use domain::change::{StreamPatch, Write};
use domain::delivery::Ordering;
use domain::event::{Seq, Source};
use domain::ids::StreamId;
use domain::place::{Place, Resume, StartFrom};
use domain::stream::StreamOptions;
use domain::stream::StreamStatus::{Disabled, Enabled};
use store::Log;

use super::receiver::{Answer, Receiver};
use super::world::{World, fast_policy};

/// The names of the users `u0`, `u1` … in a range.
fn names(numbers: std::ops::Range<usize>) -> BTreeSet<String> {
    numbers.map(|number| format!("auth0|u{number}")).collect()
}

async fn create(world: &World, numbers: std::ops::Range<usize>) {
    for number in numbers {
        world.user(&format!("u{number}")).await;
    }
}

fn sorted(users: &[String]) -> Vec<String> {
    let mut users = users.to_vec();
    users.sort();
    users
}

async fn start(world: &World, receiver: &Receiver, from: StartFrom) -> StreamId {
    let stream = world.new_stream(receiver, &[UserCreated, UserUpdated, UserDeleted]);
    world.stream_create(Write::StreamStart(Box::new(stream.clone()), from)).await;
    stream.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_far_behind_catches_up_beside_live_events() {
    const BACKLOG: usize = 200;
    let world = World::new().await;
    create(&world, 0..BACKLOG).await;
    let engine = world.engine_of(|settings| settings.far_behind = 10).await;
    let (live, behind) = (Receiver::start().await, Receiver::start().await);
    let at_head = world.stream(&live, &[UserCreated]).await;
    let late = start(&world, &behind, StartFrom::Place(Place::Beginning)).await;
    // Live events all the while, until the other one has caught up with them.
    let mut created = BACKLOG;
    while behind.users().len() < created {
        create(&world, created..created + 1).await;
        created += 1;
        live.wait_for(created - BACKLOG).await;
    }
    for stream in [at_head, late] {
        world.until_settled(stream).await;
    }
    assert_eq!(sorted(&live.users()), Vec::from_iter(names(BACKLOG..created)));
    assert_eq!(sorted(&behind.users()), Vec::from_iter(names(0..created)));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_starts_in_the_past() {
    let world = World::new().await;
    create(&world, 0..20).await;
    let engine = world.engine().await;
    let log = world.log().await;
    let since = |time| log.iter().filter(|logged| logged.event.time >= time).count();
    for (place, count) in [
        (Place::Beginning, 20),
        (Place::Time(log[7].event.time), since(log[7].event.time)),
        (Place::Position(log[15].seq), 5),
        (Place::Now, 0),
    ] {
        let receiver = Receiver::start().await;
        let stream = start(&world, &receiver, StartFrom::Place(place)).await;
        receiver.wait_for(count).await;
        world.until_settled(stream).await;
        assert_eq!(sorted(&receiver.users()), Vec::from_iter(names(20 - count..20)), "{place:?}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moved_back_it_repeats_the_same_events_and_goes_on() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    create(&world, 0..10).await;
    receiver.wait_for(10).await;
    world.until_settled(stream).await;
    let moved = world.seek(stream, Place::Position(world.log().await[4].seq)).await;
    assert_eq!(moved.events, 6);
    create(&world, 10..13).await;
    receiver.wait_for(19).await;
    world.until_settled(stream).await;
    let bodies = receiver.bodies();
    let ids: BTreeSet<_> = bodies.iter().map(|body| body["id"].to_string()).collect();
    assert_eq!(bodies.len(), 19);
    assert_eq!(ids.len(), 13, "the same ids");
    assert_eq!(receiver.users()[10..].iter().cloned().collect::<BTreeSet<_>>(), names(4..13));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moved_forward_it_passes_over_what_it_has_not_taken_up() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    receiver.otherwise(Answer::Held);
    let mut policy = fast_policy();
    policy.limits.window_events_max = 2;
    let engine = world.engine_with(policy).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    create(&world, 0..10).await;
    receiver.wait_for(2).await;
    world.seek(stream, Place::Now).await;
    create(&world, 10..11).await;
    receiver.release();
    receiver.wait_for(3).await;
    world.until_settled(stream).await;
    assert_eq!(receiver.users().into_iter().collect::<BTreeSet<_>>(), &names(0..2) | &names(10..11));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_stream_goes_on_where_it_was_moved_to() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    create(&world, 0..6).await;
    receiver.wait_for(6).await;
    world.until_settled(stream).await;
    world.set_status(stream, Disabled).await;
    create(&world, 6..9).await;
    world.seek(stream, Place::Beginning).await;
    world.seek(stream, Place::Position(world.log().await[4].seq)).await;
    create(&world, 9..12).await;
    world.set_status(stream, Enabled).await;
    create(&world, 12..13).await;
    receiver.wait_for(12).await;
    world.until_settled(stream).await;
    // From the target to where it was moved, and from where it was enabled.
    assert_eq!(sorted(&receiver.users()[6..]), sorted(&Vec::from_iter(&names(4..9) | &names(12..13))));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_survives_a_crash_right_after_it() {
    let (world, receiver) = (Arc::new(World::new().await), Receiver::start().await);
    let stream = world.stream(&receiver, &[UserCreated]).await;
    create(&world, 0..50).await;
    let engine = world.mortal_engine().await;
    for round in 0..5 {
        // Sometimes with everything delivered, sometimes in the middle of it.
        receiver.wait_for(if round % 2 == 0 { 20 } else { receiver.bodies().len() }).await;
        world.seek(stream, Place::Position(Seq(1))).await;
    }
    engine.die().await;
    let world = world.reopen();
    let before = receiver.bodies().len();
    let engine = world.engine().await;
    world.until_settled(stream).await;
    let again = &receiver.users()[before..];
    let all: BTreeSet<String> = receiver.users().into_iter().collect();
    assert_eq!(all, names(0..50));
    // Whatever had been checkpointed after the last move need not come again, and nothing comes twice.
    assert_eq!(again.iter().collect::<BTreeSet<_>>().len(), again.len());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_right_after_a_move_repeats_everything_that_the_move_asked_for() {
    let (world, receiver) = (Arc::new(World::new().await), Receiver::start().await);
    let stream = world.stream(&receiver, &[UserCreated]).await;
    create(&world, 0..20).await;
    let engine = world.mortal_engine().await;
    receiver.wait_for(20).await;
    world.until_settled(stream).await;
    world.seek(stream, Place::Beginning).await;
    engine.die().await;
    let world = world.reopen();
    let engine = world.engine().await;
    world.until_settled(stream).await;
    assert_eq!(receiver.users()[20..].iter().cloned().collect::<BTreeSet<_>>(), names(0..20));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enabled_stream_gets_what_it_missed_if_asked() {
    let world = World::new().await;
    let engine = world.engine().await;
    for (resume, missed) in
        [(Resume::Position, 5), (Resume::Time(domain::clock::Timestamp::default()), 5), (Resume::Now, 0)]
    {
        let receiver = Receiver::start().await;
        let stream = world.stream(&receiver, &[UserUpdated]).await;
        world.user(&format!("{resume:?}")).await;
        let rename = async |nickname: &str| world.rename(&format!("{resume:?}"), nickname).await;
        rename("before").await;
        receiver.wait_for(1).await;
        world.until_settled(stream).await;
        world.set_status(stream, Disabled).await;
        for round in 0..5 {
            rename(&format!("missed{round}")).await;
        }
        world.stream_patch(stream, StreamPatch { status: Some(Enabled), resume, ..StreamPatch::default() }).await;
        rename("after").await;
        receiver.wait_for(2 + missed).await;
        world.until_settled(stream).await;
        let nicknames: Vec<String> = receiver
            .bodies()
            .iter()
            .map(|body| body["data"]["object"]["nickname"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> = [String::from("before")]
            .into_iter()
            .chain((0..missed).map(|round| format!("missed{round}")))
            .chain([String::from("after")])
            .collect();
        assert_eq!(nicknames, expected, "{resume:?}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_tells_of_everybody_once_beside_changes_and_across_a_crash() {
    const USERS: usize = 600;
    let (world, receiver) = (Arc::new(World::new().await), Receiver::start().await);
    create(&world, 0..USERS).await;
    let engine = world.mortal_engine().await;
    let source = Source::new("acme", "acme.example");
    let stream = start(&world, &receiver, StartFrom::Snapshot(source)).await;
    // Changes from the end, where the snapshot comes last; and users who are created while it is under way.
    for number in (USERS - 40..USERS).rev() {
        match number % 3 {
            0 => world.rename(&format!("u{number}"), "renamed").await,
            1 => world.remove(&format!("u{number}")).await,
            _ => world.user(&format!("new{number}")).await,
        }
    }
    receiver.wait_for(100).await;
    engine.die().await;
    let world = world.reopen();
    let engine = world.engine().await;
    for number in 0..40 {
        world.rename(&format!("u{number}"), "late").await;
    }
    world
        .until("the snapshot is complete", || async { world.store.snapshot_streams().await.unwrap().is_empty() })
        .await;
    world.until_settled(stream).await;

    let mut events: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for body in receiver.bodies() {
        let member = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let seen = events.entry(member(&body["data"]["object"]["user_id"])).or_default();
        let event = (member(&body["type"]), member(&body["id"]));
        // What was sent twice because of the crash has the same id.
        if !seen.contains(&event) {
            seen.push(event);
        }
    }
    let created = (USERS - 40..USERS).filter(|number| number % 3 == 2).map(|number| format!("auth0|new{number}"));
    let expected: BTreeSet<String> = names(0..USERS).into_iter().chain(created).collect();
    assert_eq!(events.keys().cloned().collect::<BTreeSet<_>>(), expected);
    for (user, events) in &events {
        assert_eq!(events[0].0, "user.created", "{user}: {events:?}");
        assert_eq!(events.iter().filter(|(kind, _)| kind == "user.created").count(), 1, "{user}: {events:?}");
    }
    let changed = events.values().filter(|events| events.len() > 1).count();
    assert_eq!(changed, 40 + (USERS - 40..USERS).filter(|number| number % 3 != 2).count());
    // Nobody else was told.
    let other = Receiver::start().await;
    let ordinary = start(&world, &other, StartFrom::Place(Place::Beginning)).await;
    world.until_settled(ordinary).await;
    let log = world.log().await;
    assert_eq!(other.bodies().len(), log.iter().filter(|logged| logged.only_stream.is_none()).count());
    assert_eq!(log.iter().filter(|logged| logged.only_stream == Some(stream)).count(), USERS);
    engine.stop().await;
}

async fn ordered(world: &World, receiver: &Receiver, ordering: Ordering) -> StreamId {
    let mut stream = world.new_stream(receiver, &[UserCreated, UserUpdated]);
    stream.options = StreamOptions { ordering, ..StreamOptions::default() };
    world.stream_create(Write::StreamStart(Box::new(stream.clone()), StartFrom::Place(Place::Now))).await;
    stream.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strict_is_one_at_a_time_in_the_order_of_the_log() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = ordered(&world, &receiver, Ordering::Strict).await;
    receiver.script([204, 500, 204, 503, 502].map(Answer::Status));
    create(&world, 0..40).await;
    world.until_settled(stream).await;
    assert_eq!(receiver.most_at_once(), 1);
    let mut users = receiver.users();
    users.dedup();
    assert_eq!(users, (0..40).map(|number| format!("auth0|u{number}")).collect::<Vec<_>>());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_order_nothing_waits_for_anything() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    receiver.otherwise(Answer::Held);
    let stream = ordered(&world, &receiver, Ordering::None).await;
    world.user("jane").await;
    for round in 0..9 {
        world.rename("jane", &format!("j{round}")).await;
    }
    // All are about one user, and none has been answered.
    receiver.wait_for(10).await;
    assert_eq!(receiver.most_at_once(), 10);
    receiver.release();
    world.until_settled(stream).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_ordering_holds_for_a_stream_that_is_under_way() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    receiver.otherwise(Answer::Held);
    let stream = ordered(&world, &receiver, Ordering::Subject).await;
    create(&world, 0..2).await;
    receiver.wait_for(2).await;
    world.rename("u0", "first").await;
    let options = Some(StreamOptions { ordering: Ordering::None, ..StreamOptions::default() });
    world.stream_patch(stream, StreamPatch { options, ..StreamPatch::default() }).await;
    // What waited behind its subject until now goes.
    receiver.wait_for(3).await;
    let options = Some(StreamOptions { ordering: Ordering::Strict, ..StreamOptions::default() });
    world.stream_patch(stream, StreamPatch { options, ..StreamPatch::default() }).await;
    create(&world, 2..20).await;
    receiver.release();
    world.until_settled(stream).await;
    let users = receiver.users();
    assert_eq!(users[3..], (2..20).map(|number| format!("auth0|u{number}")).collect::<Vec<_>>());
    assert_eq!(receiver.most_at_once(), 3);
    engine.stop().await;
}
