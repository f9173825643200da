//! Streams that keep failing, and who is told of it.

use domain::catalog::EventType::{self, UserCreated};
use domain::change::StreamPatch;
use domain::delivery::Policy;
use domain::place::Resume;
use domain::stream::StreamStatus::{Disabled, Enabled};

use super::receiver::{Answer, Receiver};
use super::world::{World, fast_policy};

/// Ten failures in a row disable a stream.
fn strict() -> Policy {
    Policy { failures_in_row_max: 10, ..fast_policy() }
}

/// The last word of each type that arrived, with the threshold, in order.
fn told(receiver: &Receiver) -> Vec<(String, u64)> {
    let one = |body: &serde_json::Value| {
        let name = body["type"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
        (name, body["data"]["object"]["threshold_percent"].as_u64().unwrap_or(0))
    };
    receiver.bodies().iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_is_told_before_a_stream_is_disabled_when_it_is_and_when_it_is_well() {
    let (world, receiver, operator) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let engine = world.engine_with(strict()).await;
    let types = [&[UserCreated], EventType::OPERATIONAL].concat();
    let stream = world.stream(&receiver, &types).await;
    world.stream(&operator, EventType::OPERATIONAL).await;
    // Final answers, one event after another, so that each is counted before the next.
    receiver.otherwise(Answer::Status(400));
    for number in 0..10 {
        world.user(&format!("u{number}")).await;
        world.until_settled_or_disabled(stream).await;
    }
    world.until("the stream is disabled", || async { world.status(stream).await == Disabled }).await;
    operator.wait_for(4).await;
    let expected = [("failing", 50), ("failing", 70), ("failing", 90), ("disabled", 100)];
    let expected = expected.map(|(name, percent)| (name.to_owned(), percent));
    assert_eq!(told(&operator), expected);
    let object = operator.bodies()[3]["data"]["object"].clone();
    assert_eq!((&object["id"], &object["status"]), (&stream.to_string().into(), &"disabled".into()));
    assert_eq!(object["last_error"]["http_status"], 400);
    receiver.otherwise(Answer::Status(204));
    let patch = StreamPatch { status: Some(Enabled), resume: Resume::Position, ..StreamPatch::default() };
    world.stream_patch(stream, patch).await;
    world.user("at-last").await;
    operator.wait_for(5).await;
    assert_eq!(told(&operator)[4], ("recovered".to_owned(), 0));
    world.until_settled(stream).await;
    let about_itself = receiver.bodies().iter().any(|body| body["type"].as_str().unwrap().starts_with("headwater."));
    assert!(!about_itself, "a stream gets nothing about itself, also of what it has missed");
    engine.stop().await;
    assert_eq!(told(&operator).len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_is_told_of_a_failing_stream() {
    let (world, receiver, operator) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let code = format!(
        "exports.onExecuteEventStream = async (event) => {{
            await fetch('http://{}/in', {{ method: 'POST', body: JSON.stringify(event.message) }});
        }};",
        operator.address
    );
    let action = world.action(&code).await;
    world.acting_stream(&action, EventType::OPERATIONAL).await;
    let engine = world.acting_engine(strict()).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.otherwise(Answer::Status(400));
    for number in 0..10 {
        world.user(&format!("u{number}")).await;
        world.until_settled_or_disabled(stream).await;
    }
    operator.wait_for(4).await;
    let expected = [("failing", 50), ("failing", 70), ("failing", 90), ("disabled", 100)];
    assert_eq!(told(&operator), expected.map(|(name, percent)| (name.to_owned(), percent)));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_streams_that_fail_and_hear_of_each_other_come_to_rest() {
    let (world, one, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let engine = world.engine_with(strict()).await;
    let types = [&[UserCreated], EventType::OPERATIONAL].concat();
    let streams = [world.stream(&one, &types).await, world.stream(&other, &types).await];
    for receiver in [&one, &other] {
        receiver.otherwise(Answer::Status(400));
    }
    world.raise(30).await;
    for stream in streams {
        world.until("the stream is disabled", || async { world.status(stream).await == Disabled }).await;
    }
    engine.stop().await;
    let log = world.log().await;
    let operational = log.iter().filter(|logged| logged.event.event_type.is_operational()).count();
    // Each is told of once at each threshold, and once that it was disabled.
    assert!((2..=8).contains(&operational), "{operational}");
}
