//! Streams to EventBridge under the engine: partner event sources that come and go with them, and alerts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delivery::destinations::{EventBridgeAccess, EventBridgeMode};
use delivery::{Engine, EngineSettings};
use domain::catalog::EventType::{self, UserCreated};
use domain::change::{Expect, Write};
use domain::delivery::Policy;
use domain::destination::{AwsAccountId, AwsRegion, Destination, EventBridge, PartnerEventSource};
use domain::ids::StreamId;
use domain::stream::EventStream;
use domain::stream::StreamStatus::Disabled;
use serde_json::{Value, json};
use store::{PartnerEventSources, State};

use super::receiver::{Answer, Receiver};
use super::world::{World, fast_policy};
use crate::event_bridge::fixture::{answer, aws, body_of, bus, endpoint, entries_of, error, header, taken};

/// An endpoint that has partner event sources, as AWS does.
struct Amazon {
    endpoint: crate::receivers::fixture::Receiver,
    said: Arc<Said>,
}

#[derive(Default)]
struct Said {
    sources: Mutex<BTreeSet<String>>,
    /// The names of the calls, in order.
    calls: Mutex<Vec<String>>,
    /// The members `type` of the events that were put.
    types: Mutex<Vec<String>>,
    /// So many calls for a source are throttled first.
    throttled: AtomicUsize,
}

impl Said {
    fn answer(&self, request: &str) -> String {
        let call = header(request, "x-amz-target").rsplit('.').next().unwrap().to_owned();
        self.calls.lock().unwrap().push(call.clone());
        match call.as_str() {
            "PutEvents" => taken(request),
            "PutPartnerEvents" => self.put(&entries_of(request)),
            call => self.change(call, &body_of(request)),
        }
    }

    fn change(&self, call: &str, body: &Value) -> String {
        let less = |left: usize| left.checked_sub(1);
        if self.throttled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return error(400, "ThrottlingException", "Rate exceeded");
        }
        assert_eq!(body["Account"], "123456789012");
        let (name, mut sources) = (body["Name"].as_str().unwrap().to_owned(), self.sources.lock().unwrap());
        match call {
            "CreatePartnerEventSource" if sources.insert(name.clone()) => answer(200, r#"{"EventSourceArn": "arn"}"#),
            "CreatePartnerEventSource" => error(400, "ResourceAlreadyExistsException", "It is there."),
            "DeletePartnerEventSource" if sources.remove(&name) => answer(200, "{}"),
            "DeletePartnerEventSource" => error(400, "ResourceNotFoundException", "It is not there."),
            call => panic!("{call}"),
        }
    }

    fn put(&self, entries: &[Value]) -> String {
        let sources = self.sources.lock().unwrap();
        let answered = entries.iter().map(|entry| {
            if !sources.contains(entry["Source"].as_str().unwrap()) {
                return json!({"ErrorCode": "ResourceNotFoundException", "ErrorMessage": "There is no such source."});
            }
            self.types.lock().unwrap().push(entry["DetailType"].as_str().unwrap().to_owned());
            json!({"EventId": "1"})
        });
        let answered: Vec<_> = answered.collect();
        answer(200, &json!({"FailedEntryCount": 0, "Entries": answered}).to_string())
    }
}

impl Amazon {
    async fn start() -> Self {
        let said = Arc::new(Said::default());
        let answering = Arc::clone(&said);
        Self { endpoint: endpoint(move |request| answering.answer(request)).await, said }
    }

    fn access(&self, mode: EventBridgeMode) -> EventBridgeAccess {
        EventBridgeAccess { aws: aws(&self.endpoint), mode }
    }

    fn sources(&self) -> Vec<String> {
        self.said.sources.lock().unwrap().iter().cloned().collect()
    }

    fn count(&self, call: &str) -> usize {
        self.said.calls.lock().unwrap().iter().filter(|each| each.as_str() == call).count()
    }

    /// An engine that delivers as a partner.
    async fn partner(&self, world: &World) -> Engine {
        self.engine(world, EventBridgeMode::Partner).await
    }

    async fn engine(&self, world: &World, mode: EventBridgeMode) -> Engine {
        let access = self.access(mode);
        world.engine_of(|settings| with_access(settings, access)).await
    }
}

fn with_access(settings: &mut EngineSettings, access: EventBridgeAccess) {
    // Events wait longer than it takes to have a source made.
    settings.policy.schedule.waits = vec![Duration::from_millis(50); 100];
    settings.destinations = settings.destinations.clone().with_event_bridge(access);
}

fn name(number: u32) -> String {
    format!("aws.partner/auth0.com/acme-{number}/auth0.events")
}

async fn bridged(world: &World, number: u32, types: &[EventType]) -> StreamId {
    let nobody = Receiver::start().await;
    let destination = Destination::EventBridge(EventBridge {
        account: AwsAccountId::parse("123456789012").unwrap(),
        region: AwsRegion::from_name("eu-west-1").unwrap(),
        partner_event_source: PartnerEventSource::from_stored(name(number)),
    });
    let stream = EventStream { destination, ..world.new_stream(&nobody, types) };
    world.stream_create(Write::StreamPut(Expect::Absent, Box::new(stream.clone()))).await;
    stream.id
}

async fn delete(world: &World, stream: StreamId) {
    let stored = world.store.stream_get(world.tenant, stream).await.unwrap().unwrap();
    let delete = Write::StreamDelete(stored.revision, stream);
    world.store.change_commit(world.tenant, delete.into()).await.unwrap();
}

async fn until_nothing_is_unsettled(world: &World) {
    let unsettled = || async { world.store.sources_take_up(None, 10).await.unwrap() };
    world.until("all sources are as they are wanted", || async { unsettled().await.is_empty() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partner_event_sources_come_and_go_with_their_streams() {
    let (world, amazon) = (World::new().await, Amazon::start().await);
    let first = bridged(&world, 1, &[UserCreated]).await;
    let engine = amazon.partner(&world).await;
    let second = bridged(&world, 2, &[UserCreated]).await;
    until_nothing_is_unsettled(&world).await;
    assert_eq!(amazon.sources(), [name(1), name(2)]);
    world.user("jane").await;
    for stream in [first, second] {
        world.until_settled(stream).await;
        assert!(world.failures(stream).await.is_empty());
    }
    assert_eq!(amazon.said.types.lock().unwrap().len(), 2);
    delete(&world, first).await;
    until_nothing_is_unsettled(&world).await;
    assert_eq!(amazon.sources(), [name(2)]);
    engine.stop().await;
    assert_eq!((amazon.count("CreatePartnerEventSource"), amazon.count("DeletePartnerEventSource")), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_aws_does_not_make_at_once_is_asked_for_again_and_events_wait_for_it() {
    let (world, amazon) = (World::new().await, Amazon::start().await);
    amazon.said.throttled.store(1, Ordering::SeqCst);
    let engine = amazon.partner(&world).await;
    let stream = bridged(&world, 1, &[UserCreated]).await;
    world.user("jane").await;
    world.until("the event was refused", || async { amazon.count("PutPartnerEvents") > 0 }).await;
    assert_eq!(amazon.sources(), [] as [String; 0]);
    world.until_settled(stream).await;
    assert_eq!(amazon.sources(), [name(1)]);
    assert_eq!((amazon.count("CreatePartnerEventSource"), world.failures(stream).await.len()), (2, 0));
    // So it is with what has to go.
    amazon.said.throttled.store(1, Ordering::SeqCst);
    delete(&world, stream).await;
    until_nothing_is_unsettled(&world).await;
    assert_eq!((amazon.sources().len(), amazon.count("DeletePartnerEventSource")), (0, 2));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_it_is_known_what_aws_has_done_loses_nothing() {
    let (world, amazon) = (Arc::new(World::new().await), Amazon::start().await);
    // It does what it is asked for, and does not say so.
    let said = Arc::clone(&amazon.said);
    let silent = crate::receivers::fixture::Receiver::start(move |mut conversation| {
        let said = Arc::clone(&said);
        async move {
            while let Some(request) = conversation.request().await {
                said.answer(&request);
            }
        }
    })
    .await;
    let access = EventBridgeAccess { aws: aws(&silent), mode: EventBridgeMode::Partner };
    let stream = bridged(&world, 1, &[UserCreated]).await;
    let engine = world.mortal_engine_of(|settings| with_access(settings, access)).await;
    world.until("the source is made", || async { !amazon.sources().is_empty() }).await;
    engine.die().await;
    let world = world.reopen();
    let engine = amazon.partner(&world).await;
    until_nothing_is_unsettled(&world).await;
    assert_eq!(amazon.count("CreatePartnerEventSource"), 2, "AWS was asked again, and said that it was there");
    engine.stop().await;

    // A stream that goes while nobody is there, and whose source has gone too.
    delete(&world, stream).await;
    amazon.said.sources.lock().unwrap().clear();
    let engine = amazon.partner(&world).await;
    until_nothing_is_unsettled(&world).await;
    assert_eq!(amazon.count("DeletePartnerEventSource"), 1);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_becomes_a_partner_catches_up() {
    let (world, amazon) = (World::new().await, Amazon::start().await);
    let engine = amazon.engine(&world, bus(None)).await;
    let (kept, gone) = (bridged(&world, 1, &[UserCreated]).await, bridged(&world, 2, &[UserCreated]).await);
    world.user("jane").await;
    for stream in [kept, gone] {
        world.until_settled(stream).await;
    }
    delete(&world, gone).await;
    engine.stop().await;
    assert_eq!(amazon.said.calls.lock().unwrap().iter().filter(|call| *call != "PutEvents").count(), 0);
    let engine = amazon.partner(&world).await;
    until_nothing_is_unsettled(&world).await;
    engine.stop().await;
    assert_eq!(amazon.sources(), [name(1)]);
    assert_eq!((amazon.count("CreatePartnerEventSource"), amazon.count("DeletePartnerEventSource")), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_is_told_of_a_failing_stream_through_eventbridge() {
    let (world, amazon, receiver) = (World::new().await, Amazon::start().await, Receiver::start().await);
    let access = amazon.access(EventBridgeMode::Partner);
    let engine = world
        .engine_of(|settings| {
            with_access(settings, access);
            settings.policy = Policy { failures_in_row_max: 10, ..fast_policy() };
        })
        .await;
    let operator = bridged(&world, 1, EventType::OPERATIONAL).await;
    until_nothing_is_unsettled(&world).await;
    let stream = world.stream(&receiver, &[UserCreated]).await;
    receiver.otherwise(Answer::Status(400));
    for number in 0..10 {
        world.user(&format!("u{number}")).await;
        world.until_settled_or_disabled(stream).await;
    }
    world.until("the stream is disabled", || async { world.status(stream).await == Disabled }).await;
    world.until("all is told", || async { amazon.said.types.lock().unwrap().len() == 4 }).await;
    world.until_settled(operator).await;
    let told = amazon.said.types.lock().unwrap().clone();
    let failing = "headwater.stream.failing";
    assert_eq!(told, [failing, failing, failing, "headwater.stream.disabled"]);
    engine.stop().await;
}
