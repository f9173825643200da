//! Where events go: one kind of destination a file, all behind [`Destination`].

mod action;
mod event_bridge;
mod shaping;
mod signer;
mod unserved;
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use domain::delivery::Outcome;
use domain::destination::Destination as Settings;
use domain::event::{LoggedEvent, body_for_stream, stream_suffix};
use domain::stream::EventStream;
use store::{DeployedActions, Offsets};

use crate::actions::ActionRuntime;
use crate::outbound::Outbound;
use action::ActionDestination;
use event_bridge::EventBridgeDestination;
use shaping::ShapedDestination;
use unserved::UnservedDestination;
use webhook::WebhookDestination;

pub(crate) use event_bridge::Partner;
pub use event_bridge::{
    Aws, EventBridgeAccess, EventBridgeMode, EventBridgeSettingError, EventBus, EventSource, RoleTemplate,
};

/// An event on its way to a destination.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The event, shared with the other streams that get it.
    pub event: Arc<LoggedEvent>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What is sent instead of the event, where the stream transforms it.
    pub payload: Option<Bytes>,
}

impl Delivery {
    /// What is sent, in parts that follow one another; `suffix` completes the event for its stream.
    pub(crate) fn body(&self, suffix: &Bytes) -> [Bytes; 2] {
        match &self.payload {
            Some(payload) => [payload.clone(), Bytes::new()],
            None => body_for_stream(&self.event.event.body, suffix),
        }
    }
}

/// Where a stream delivers to.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Sends an event once. What goes wrong is an [`Outcome`] too. Cancelling it ends the attempt.
    async fn deliver(&self, delivery: Delivery) -> Outcome;
}

/// Makes the destinations of streams: it holds what each type of destination needs. Cheap to clone.
#[derive(Clone)]
pub struct Destinations {
    outbound: Outbound,
    event_bridge: Option<EventBridgeAccess>,
    actions: Option<Actions>,
}

/// What actions need.
#[derive(Clone)]
struct Actions {
    runtime: ActionRuntime,
    deployed: Arc<dyn DeployedActions>,
}

impl Destinations {
    /// Destinations that are reached through `outbound`.
    pub const fn new(outbound: Outbound) -> Self {
        Self { outbound, event_bridge: None, actions: None }
    }

    /// Those of AWS too.
    #[must_use]
    pub fn with_event_bridge(self, access: EventBridgeAccess) -> Self {
        Self { event_bridge: Some(access), ..self }
    }

    /// The same, and actions that run in `runtime` as they are `deployed`.
    #[must_use]
    pub fn with_actions(self, runtime: ActionRuntime, deployed: Arc<dyn DeployedActions>) -> Self {
        Self { actions: Some(Actions { runtime, deployed }), ..self }
    }

    /// Gives up what nobody has used for a while: connections, and processes of actions. Answers how many connections
    /// that were.
    pub(crate) fn end_idle(&self) -> usize {
        if let Some(actions) = &self.actions {
            actions.runtime.end_idle();
        }
        self.outbound.close_idle()
    }

    /// The partner event sources at AWS, where the server delivers as a partner.
    pub(crate) fn partner(&self) -> Option<Partner> {
        self.event_bridge.as_ref()?.partner(self.outbound.settings().attempt_timeout)
    }

    /// The client for customers' addresses.
    pub const fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// The destination of a stream, whose tenant has these offsets, as it is set up now; to be made anew when the
    /// stream's settings change.
    pub fn of(&self, stream: &EventStream, offsets: Arc<Offsets>) -> Arc<dyn Destination> {
        let destination: Arc<dyn Destination> = match &stream.destination {
            Settings::Webhook(webhook) => Arc::new(WebhookDestination::new(stream, webhook, &self.outbound, offsets)),
            Settings::EventBridge(bridge) => match &self.event_bridge {
                Some(access) => {
                    let timeout = stream.options.delivery.timeout.unwrap_or(self.outbound.settings().attempt_timeout);
                    Arc::new(EventBridgeDestination::new(stream, bridge, access, timeout, self.outbound.clock()))
                }
                None => Arc::new(UnservedDestination { reason: "this server does not deliver to EventBridge" }),
            },
            Settings::Action(action) => match &self.actions {
                Some(Actions { runtime, deployed }) => {
                    Arc::new(ActionDestination::new(action.action_id, Arc::clone(deployed), runtime))
                }
                None => Arc::new(UnservedDestination { reason: "this server does not run actions" }),
            },
        };
        let (filter, transform) = (stream.options.delivery.filter.clone(), stream.options.delivery.transform.clone());
        ShapedDestination::around(destination, stream_suffix(stream.id), filter, transform)
    }
}
