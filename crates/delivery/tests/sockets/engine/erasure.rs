//! What a receiver gets of a user who was erased before it got there.

use std::sync::Arc;

use domain::catalog::EventType::{UserCreated, UserDeleted, UserUpdated};
use serde_json::Value;

use super::receiver::{Answer, Receiver};
use super::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_behind_gets_what_is_left_of_an_erased_user() {
    let (world, receiver) = (Arc::new(World::new().await), Receiver::start().await);
    receiver.otherwise(Answer::Hang);
    let stream = world.stream(&receiver, &[UserCreated, UserUpdated, UserDeleted]).await;
    let engine = world.mortal_engine().await;
    world.user("jane").await;
    world.rename("jane", "jay-jay").await;
    world.user("joe").await;
    world.erase("jane").await;
    let says = |text: &'static str| {
        let world = &world;
        async move { world.log().await.iter().any(|logged| std::str::from_utf8(&logged.event.body).unwrap().contains(text)) }
    };
    world.until("the engine has erased jane", || async { !says("jane@").await }).await;
    assert!(says("joe@").await);
    engine.die().await;
    // What was in flight may have been sent as it was; what is sent from now on is read from the log.
    let sent_before = receiver.bodies().len();
    let world = world.reopen();
    receiver.otherwise(Answer::Status(204));
    let engine = world.engine().await;
    world.until_settled(stream).await;
    let bodies = receiver.bodies().split_off(sent_before);
    let of = |name: &str| -> Vec<&Value> {
        bodies.iter().filter(|body| body["data"]["object"]["user_id"] == format!("auth0|{name}")).collect()
    };
    let types: Vec<_> = of("jane").iter().map(|body| body["type"].clone()).collect();
    assert_eq!(types, ["user.created", "user.updated", "user.deleted"]);
    for body in of("jane") {
        assert_eq!(body["a0stream"], stream.to_string());
        assert_eq!(body["data"].get("previous_object"), None);
        assert!(!body.to_string().contains("jane@") && !body.to_string().contains("jay-jay"), "{body}");
    }
    assert_eq!(of("joe")[0]["data"]["object"]["email"], "joe@example.com");
    engine.stop().await;
}
