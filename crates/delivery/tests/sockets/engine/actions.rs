//! Streams of type action, from the log to the run and back to the failed delivery.

use std::time::Duration;

use domain::action::{Action, ActionPatch, Build, GivenSecret};
use domain::catalog::EventType;
use domain::change::{ActionWrite, Expect, Write, action_create, action_deploy};
use domain::clock::Clock;
use domain::delivery::{ConsoleLevel, Policy};
use domain::destination::{ActionDestination, Destination};
use domain::ids::StreamId;
use domain::secret::Secret;
use domain::stream::EventStream;
use store::{Actions, State};

use super::receiver::Receiver;
use super::world::{World, fast_policy};
use crate::actions::world::runtime;

const FAILS: &str = "exports.onExecuteEventStream = async (event) => {
    console.log('got', event.message.data.object.user_id, Object.keys(event.message).length);
    throw new Error(`version 1 with ${event.secrets.KEY.length}`);
};";

impl World {
    /// Stores an action and deploys it.
    pub(super) async fn action(&self, code: &str) -> Action {
        let now = self.clock.now().wall;
        let secret = GivenSecret { name: "KEY".to_owned(), value: Some(Secret::new("s3cret")) };
        let patch = ActionPatch { code: Some(code.to_owned()), secrets: Some(vec![secret]), ..ActionPatch::default() };
        let made = Action::new("sync".to_owned(), now, &*self.entropy).patched(patch, now).unwrap();
        let action = Action { build: Build::Built { at: now }, ..made };
        self.store.change_commit(self.tenant, action_create(action.clone(), u32::MAX)).await.unwrap();
        self.deploy(&action).await;
        action
    }

    async fn deploy(&self, action: &Action) {
        let stored = self.store.action_get(self.tenant, action.id).await.unwrap().unwrap();
        let (_, change) = action_deploy(&stored, self.clock.now().wall, &*self.entropy).unwrap();
        self.store.change_commit(self.tenant, change).await.unwrap();
    }

    async fn change_code(&self, action: &Action, code: &str) {
        let now = self.clock.now().wall;
        let stored = self.store.action_get(self.tenant, action.id).await.unwrap().unwrap();
        let patch = ActionPatch { code: Some(code.to_owned()), ..ActionPatch::default() };
        let changed = Action { build: Build::Built { at: now }, ..stored.value.patched(patch, now).unwrap() };
        let put = ActionWrite::Put(Expect::At(stored.revision), Box::new(changed));
        self.store.change_commit(self.tenant, put.into()).await.unwrap();
    }

    pub(super) async fn acting_stream(&self, action: &Action, types: &[EventType]) -> StreamId {
        let nobody = Receiver::start().await;
        let destination = Destination::Action(ActionDestination { action_id: action.id });
        let stream = EventStream { destination, ..self.new_stream(&nobody, types) };
        self.stream_create(Write::StreamPut(Expect::Absent, Box::new(stream.clone()))).await;
        stream.id
    }

    pub(super) async fn acting_engine(&self, policy: Policy) -> delivery::Engine {
        let deployed = self.store.clone();
        self.engine_of(|settings| {
            settings.policy = policy;
            // What hangs is killed when the engine stops.
            settings.drain_max = Duration::from_millis(100);
            settings.destinations = settings.destinations.clone().with_actions(runtime(), deployed);
        })
        .await
    }

    async fn until_failed(&self, stream: StreamId, count: usize) {
        self.until("the deliveries have failed", || async { self.failures(stream).await.len() == count }).await;
    }
}

#[tokio::test]
async fn an_action_runs_for_each_event_and_its_failure_says_what_it_wrote() {
    let world = World::new().await;
    let action = world.action(FAILS).await;
    let stream = world.acting_stream(&action, &[EventType::UserCreated]).await;
    let engine = world.acting_engine(fast_policy()).await;
    world.user("jane").await;
    world.until_failed(stream, 1).await;
    let failure = world.failures(stream).await.remove(0);
    assert_eq!(failure.attempts.len(), 4, "what is thrown is tried again");
    for attempt in &failure.attempts {
        assert_eq!(attempt.error.as_deref(), Some("Error: version 1 with 6 (line 3)"));
        assert_eq!(attempt.console.len(), 1);
        assert_eq!(attempt.console[0].level, ConsoleLevel::Log);
        assert_eq!(attempt.console[0].text, "got auth0|jane 6");
    }

    // What is deployed later runs for what comes later, without a restart.
    world.change_code(&action, "exports.onExecuteEventStream = () => { throw new Error('version 2') };").await;
    world.user("joe").await;
    world.until_failed(stream, 2).await;
    assert_eq!(world.failures(stream).await[1].attempts[0].error.as_deref(), Some("Error: version 1 with 6 (line 3)"));
    world.deploy(&action).await;
    world
        .until("the new version runs", || async {
            world.user(&format!("u{}", world.failures(stream).await.len())).await;
            let before = world.failures(stream).await.len();
            world.until_failed(stream, before + 1).await;
            let failures = world.failures(stream).await;
            let last = &failures.last().unwrap().attempts[0];
            last.error.as_deref() == Some("Error: version 2 (line 1)")
        })
        .await;
    engine.stop().await;
}

#[tokio::test]
async fn an_action_that_succeeds_is_delivered_and_code_that_cannot_run_fails_at_once() {
    let world = World::new().await;
    let good = world.action("exports.onExecuteEventStream = () => {};").await;
    let stream = world.acting_stream(&good, &[EventType::UserCreated]).await;
    let broken = world.action("exports.onExecuteEventStream = ").await;
    let failing = world.acting_stream(&broken, &[EventType::UserCreated]).await;
    let engine = world.acting_engine(fast_policy()).await;
    for number in 0..20 {
        world.user(&format!("u{number}")).await;
    }
    world.until_settled(stream).await;
    assert!(world.failures(stream).await.is_empty());
    world.until_failed(failing, 20).await;
    for failure in world.failures(failing).await {
        assert_eq!(failure.attempts.len(), 1);
        assert!(failure.attempts[0].error.as_deref().unwrap().starts_with("SyntaxError: "), "{failure:?}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn an_action_that_hangs_holds_up_its_own_stream_only() {
    let world = World::new().await;
    let hanging = world.action("exports.onExecuteEventStream = () => { while (true) {} };").await;
    let slow = world.acting_stream(&hanging, &[EventType::UserCreated]).await;
    let good = world.action("exports.onExecuteEventStream = () => {};").await;
    let stream = world.acting_stream(&good, &[EventType::UserCreated]).await;
    let receiver = Receiver::start().await;
    world.stream(&receiver, &[EventType::UserCreated]).await;
    let engine = world.acting_engine(fast_policy()).await;
    for number in 0..20 {
        world.user(&format!("u{number}")).await;
    }
    receiver.wait_for(20).await;
    world.until_settled(stream).await;
    assert!(world.failures(stream).await.is_empty());
    // The time of a run is not up yet: what hangs goes on hanging meanwhile.
    assert!(world.failures(slow).await.is_empty());
    engine.stop().await;
}
