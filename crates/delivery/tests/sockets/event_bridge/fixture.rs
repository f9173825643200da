//! An endpoint on loopback that answers as AWS does, and destinations that put events to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use delivery::destinations::{
    Aws, Delivery, Destination, Destinations, EventBridgeAccess, EventBridgeMode, EventBus, EventSource, RoleTemplate,
};
use domain::catalog::EventType;
use domain::clock::Timestamp;
use domain::delivery::Outcome;
use domain::delivery_settings::DeliverySettings;
use domain::destination::{AwsAccountId, AwsRegion, EventBridge, PartnerEventSource};
use domain::event::{Event, LoggedEvent, Seq, Subject};
use domain::ids::{EventId, StreamId, TenantId};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamOptions, StreamStatus};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::receivers::fixture::{PATIENCE, Receiver, offsets, outbound, settings};

pub(crate) const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET_KEY: &str = "s3cret-access-key-of-the-server";
pub(crate) const SOURCE: &str = "com.example.identity";
pub(crate) const BUS_ARN: &str = "arn:aws:events:eu-west-1:123456789012:event-bus/crm";
pub(crate) const PARTNER_SOURCE: &str = "aws.partner/auth0.com/acme-1/auth0.events";

/// An HTTP answer as AWS writes them.
pub(crate) fn answer(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {length}\r\n\r\n{body}")
}

pub(crate) fn error(status: u16, code: &str, message: &str) -> String {
    answer(status, &json!({"__type": code, "message": message}).to_string())
}

/// The JSON of a request.
pub(crate) fn body_of(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

pub(crate) fn entries_of(request: &str) -> Vec<Value> {
    body_of(request)["Entries"].as_array().unwrap().clone()
}

pub(crate) fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let head = request.split_once("\r\n\r\n").unwrap().0;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap()
}

/// Takes all entries of a request.
pub(crate) fn taken(request: &str) -> String {
    let entries: Vec<_> = (0..entries_of(request).len()).map(|at| json!({"EventId": at.to_string()})).collect();
    answer(200, &json!({"FailedEntryCount": 0, "Entries": entries}).to_string())
}

/// An endpoint that answers each request with what `answers` makes of it.
pub(crate) async fn endpoint(answers: impl Fn(&str) -> String + Send + Sync + 'static) -> Receiver {
    endpoint_behind(None, answers).await
}

/// The same over TLS.
pub(crate) async fn endpoint_behind(
    tls: Option<TlsAcceptor>,
    answers: impl Fn(&str) -> String + Send + Sync + 'static,
) -> Receiver {
    let answers = Arc::new(answers);
    Receiver::start_with(tls, move |mut conversation| {
        let answers = Arc::clone(&answers);
        async move {
            while let Some(request) = conversation.request().await {
                if !conversation.write(&answers(&request)).await {
                    return;
                }
            }
        }
    })
    .await
}

pub(crate) fn aws(endpoint: &Receiver) -> Aws {
    aws_at(&format!("http://{}", endpoint.address), None)
}

pub(crate) fn aws_at(url: &str, extra_roots: Option<Vec<u8>>) -> Aws {
    Aws::fixed(url, ACCESS_KEY, Secret::new(SECRET_KEY), extra_roots)
}

pub(crate) fn bus(role: Option<&str>) -> EventBridgeMode {
    EventBridgeMode::Bus {
        bus: EventBus::parse("crm").unwrap(),
        role: role.map(|role| RoleTemplate::parse(role).unwrap()),
        source: EventSource::parse(SOURCE).unwrap(),
    }
}

/// A stream's destination; each `number` is another stream.
pub(crate) fn destination(aws: &Aws, mode: EventBridgeMode, number: u128, timeout: Duration) -> Arc<dyn Destination> {
    destination_with(aws, mode, number, timeout, DeliverySettings::default())
}

/// The same with settings of the stream's own.
pub(crate) fn destination_with(
    aws: &Aws,
    mode: EventBridgeMode,
    number: u128,
    timeout: Duration,
    delivery: DeliverySettings,
) -> Arc<dyn Destination> {
    let stream = EventStream {
        id: StreamId::from_number(number),
        name: None,
        status: StreamStatus::Enabled,
        subscriptions: vec![EventType::UserCreated],
        destination: domain::destination::Destination::EventBridge(EventBridge {
            account: AwsAccountId::parse("123456789012").unwrap(),
            region: AwsRegion::from_name("eu-west-1").unwrap(),
            partner_event_source: PartnerEventSource::from_stored(PARTNER_SOURCE),
        }),
        options: StreamOptions { delivery, ..StreamOptions::default() },
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    let access = EventBridgeAccess { aws: aws.clone(), mode };
    Destinations::new(outbound(settings(timeout))).with_event_bridge(access).of(&stream, Arc::new(offsets()))
}

pub(crate) fn event(number: u64, body: &str) -> Delivery {
    let event = Event {
        id: EventId::from_number(number.into()),
        event_type: EventType::UserCreated,
        subject: Subject::new("user", &number.to_string()),
        time: Timestamp::from_millis(1000),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let logged = LoggedEvent { seq: Seq(number), tenant: TenantId(1), only_stream: None, event };
    Delivery { event: Arc::new(logged), attempt: 1, payload: None }
}

pub(crate) fn numbered(number: u64) -> Delivery {
    event(
        number,
        &format!(r#"{{"specversion":"1.0","type":"user.created","time":"2026-01-16T08:50:33.955Z","n":{number}}}"#),
    )
}

pub(crate) async fn deliver(destination: &Arc<dyn Destination>, delivery: Delivery) -> Outcome {
    tokio::time::timeout(PATIENCE, destination.deliver(delivery)).await.expect("an attempt ends by itself")
}

/// Delivers so many events at the same time; what became of each, in order.
pub(crate) async fn deliver_at_once(destination: &Arc<dyn Destination>, count: u64) -> Vec<Outcome> {
    let mut started = JoinSet::new();
    for number in 1..=count {
        let destination = Arc::clone(destination);
        started.spawn(async move { (number, deliver(&destination, numbered(number)).await) });
    }
    let mut outcomes = started.join_all().await;
    outcomes.sort_by_key(|(number, _)| *number);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}
