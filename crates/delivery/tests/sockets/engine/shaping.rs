//! Filters and transformations of a stream, over sockets.

use domain::catalog::EventType::{UserCreated, UserUpdated};
use domain::change::{Expect, StreamPatch, Write};
use domain::delivery_settings::DeliverySettings;
use domain::expression::{Filter, Transform};
use domain::ids::StreamId;
use domain::stream::StreamOptions;
use serde_json::json;
use store::Redeliveries;

use super::receiver::Receiver;
use super::world::World;

fn shaped(filter: &str, transform: Option<&str>) -> StreamOptions {
    let delivery = DeliverySettings {
        filter: Some(Filter::parse(filter).unwrap()),
        transform: transform.map(|text| Transform::parse(text).unwrap()),
        ..DeliverySettings::default()
    };
    StreamOptions { delivery, ..StreamOptions::default() }
}

async fn stream(world: &World, receiver: &Receiver, options: StreamOptions) -> StreamId {
    let mut stream = world.new_stream(receiver, &[UserCreated, UserUpdated]);
    stream.options = options;
    world.stream_create(Write::StreamPut(Expect::Absent, Box::new(stream.clone()))).await;
    stream.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_passes_is_sent_in_the_form_that_was_asked_for() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let transform = r#"{"who": event.data.object.user_id, "what": event.type, "stream": event.a0stream}"#;
    let options = shaped(r#"event.data.object.email.startsWith("jane@")"#, Some(transform));
    let stream = stream(&world, &receiver, options).await;
    for name in ["joe", "jane", "jim"] {
        world.user(name).await;
    }
    world.until_settled(stream).await;
    let sent = json!({"who": "auth0|jane", "what": "user.created", "stream": stream.to_string()});
    assert_eq!(receiver.bodies(), [sent]);
    assert!(world.failures(stream).await.is_empty());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_said_is_a_failed_delivery_until_the_filter_is_mended() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let engine = world.engine().await;
    let stream = stream(&world, &receiver, shaped("event.data.object.phone_number == '1'", None)).await;
    world.user("jane").await;
    world.until("the delivery has failed", || async { !world.failures(stream).await.is_empty() }).await;
    let failures = world.failures(stream).await;
    let error = failures[0].attempts[0].error.clone().unwrap();
    assert!(error.starts_with("the filter could not be evaluated") && error.contains("phone_number"), "{error}");
    assert_eq!((failures[0].attempts.len(), receiver.bodies().len()), (1, 0), "trying again cannot help");

    let mended = shaped("!has(event.data.object.phone_number)", None);
    world.stream_patch(stream, StreamPatch { options: Some(mended), ..StreamPatch::default() }).await;
    world.store.redelivery_request(world.tenant, stream, failures[0].event_id, world.start()).await.unwrap();
    world.until("it is delivered", || async { world.failures(stream).await.is_empty() }).await;
    assert_eq!(receiver.users(), ["auth0|jane"]);
    engine.stop().await;
}
