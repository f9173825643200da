//! AWS EventBridge: events become entries of `PutEvents`, or of `PutPartnerEvents`, several to a request.
//!
//! What is reached here are AWS's own endpoints, or those that the operator's variables name: a stream says only an
//! account and a region. So it does not go through `outbound`, whose policy is for customers' addresses.

mod aws;
mod batches;
mod calls;
mod partner;
mod problem;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::clock::Clock;
use domain::delivery::{Failure, Outcome};
use domain::destination::EventBridge;
use domain::event::{stream_suffix, time_in_body, type_name};
use domain::stream::EventStream;

use super::{Delivery, Destination};
use batches::{Batches, ENTRIES_BYTES_MAX, Taken};
use calls::{Calls, Entry, Target};
use problem::Problem;

pub use aws::Aws;
pub(crate) use partner::Partner;
pub use settings::{EventBridgeMode, EventBridgeSettingError, EventBus, EventSource, RoleTemplate};

/// What streams to EventBridge have in common: the access to AWS, and how events get there.
#[derive(Clone)]
pub struct EventBridgeAccess {
    /// The access to AWS.
    pub aws: Aws,
    /// How events get to the accounts.
    pub mode: EventBridgeMode,
}

impl EventBridgeAccess {
    /// The calls for a stream.
    fn calls(&self, EventBridge { account, region, .. }: &EventBridge) -> Calls {
        let (role, target) = match &self.mode {
            EventBridgeMode::Bus { bus, role, .. } => {
                (role.as_ref().map(|role| role.arn(account)), Target::Bus(bus.arn(account, *region)))
            }
            EventBridgeMode::Partner => (None, Target::PartnerEventSource),
        };
        Calls { client: self.aws.client(*region, role), target }
    }

    /// The partner event sources, where the server is a partner; `timeout` is that of a call.
    pub(super) fn partner(&self, timeout: Duration) -> Option<Partner> {
        (self.mode == EventBridgeMode::Partner).then(|| Partner::new(self.aws.clone(), timeout))
    }
}

/// A stream's event bus.
pub(super) struct EventBridgeDestination {
    batches: Arc<Batches>,
    source: Arc<str>,
    suffix: Bytes,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl EventBridgeDestination {
    /// `timeout` is that of an attempt as a whole.
    pub(super) fn new(
        stream: &EventStream,
        settings: &EventBridge,
        access: &EventBridgeAccess,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let source = match &access.mode {
            EventBridgeMode::Bus { source, .. } => source.as_str(),
            EventBridgeMode::Partner => settings.partner_event_source.as_str(),
        };
        Self {
            batches: Arc::new(Batches::new(access.calls(settings), timeout)),
            source: source.into(),
            suffix: stream_suffix(stream.id),
            timeout,
            clock,
        }
    }

    fn entry(&self, delivery: &Delivery) -> Result<Entry, Problem> {
        let event = &delivery.event.event;
        let detail = String::from_utf8(delivery.body(&self.suffix).concat())
            .map_err(|_| Problem::refused("EventBridge takes text only, and this is not UTF-8"))?;
        if !detail.trim_ascii_start().starts_with('{') {
            return Err(Problem::refused(
                "EventBridge takes JSON objects only; the transformation makes something else",
            ));
        }
        let entry = Entry {
            time: time_in_body(&event.body).unwrap_or(event.time),
            source: Arc::clone(&self.source),
            detail_type: type_name(event.event_type, &event.body).to_owned(),
            detail,
        };
        match entry.size() {
            size if size > ENTRIES_BYTES_MAX => Err(Problem::refused(format!(
                "the event is too large for EventBridge: {size} bytes, and it takes {ENTRIES_BYTES_MAX}"
            ))),
            _ => Ok(entry),
        }
    }

    async fn put(&self, delivery: &Delivery) -> Taken {
        let answered = self.batches.send(self.entry(delivery)?);
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(Ok(taken)) => taken,
            Ok(Err(_)) => Err(Problem::unreachable("the request to AWS broke off")),
            Err(_) => Err(Problem::timeout()),
        }
    }
}

#[async_trait]
impl Destination for EventBridgeDestination {
    async fn deliver(&self, delivery: Delivery) -> Outcome {
        let started = self.clock.now();
        let taken = self.put(&delivery).await;
        let duration = self.clock.now().steady.saturating_sub(started.steady);
        match taken {
            Ok(()) => Outcome::Delivered { duration },
            Err(Problem { kind, message, .. }) => Outcome::Failed(Failure::new(kind, message, duration)),
        }
    }
}
