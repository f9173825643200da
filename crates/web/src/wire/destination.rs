//! Destinations of streams (management-api.md 3.1, 3.5): which types there are; each has a file of its own. Secrets
//! come in here and never go out.

mod action;
mod event_bridge;
mod webhook;

use domain::clock::Entropy;
use domain::destination::{Destination, PartnerEventSource, PartnerName};
use domain::ids::Uuid;
use serde::Serialize;

use super::reader::{Field, Invalid, ObjectReader, Part};
use action::{ActionAnswer, GivenAction};
use event_bridge::{EventBridgeAnswer, GivenEventBridge};
use webhook::{GivenWebhook, WebhookAnswer};

/// The member of a stream.
pub(super) const DESTINATION: Field = Field::new("destination", "Where the events are delivered to.");
const TYPE: Field = Field::new("type", "Type of the destination: webhook, eventbridge or action.");
const TYPE_PLACE: &str = "destination.type";
const CONFIGURATION: Field = Field::new("configuration", "Configuration specific to the type of the destination.");

/// A type of destination that a stream can be given.
#[derive(Clone, Copy)]
enum Kind {
    Webhook,
    EventBridge,
    Action,
}

impl Kind {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "webhook" => Some(Self::Webhook),
            "eventbridge" => Some(Self::EventBridge),
            "action" => Some(Self::Action),
            _ => None,
        }
    }
}

/// A destination as it is given. What is left out of one that changes another is meant to stay.
#[derive(Clone, Debug)]
pub(crate) enum GivenDestination {
    /// Of type `webhook`.
    Webhook(GivenWebhook),
    /// Of type `eventbridge`.
    EventBridge(GivenEventBridge),
    /// Of type `action`.
    Action(GivenAction),
}

/// What the server itself adds to a new destination.
pub(crate) struct Additions<'a> {
    /// The partner that names of partner event sources are of.
    pub(crate) partner: &'a PartnerName,
    /// The tenant's name.
    pub(crate) tenant: &'a str,
    /// What makes names unique.
    pub(crate) entropy: &'a dyn Entropy,
}

impl Additions<'_> {
    fn partner_event_source(&self) -> PartnerEventSource {
        PartnerEventSource::new(self.partner, self.tenant, Uuid::generate(self.entropy))
    }
}

/// Reads a destination. `http_allowed` is the operator's choice.
pub(super) fn read(mut given: ObjectReader, http_allowed: bool) -> Result<GivenDestination, Invalid> {
    let kind = given.word(TYPE, Kind::from_name)?.ok_or_else(|| given.missing(TYPE))?;
    let configuration = given.object_required(CONFIGURATION)?;
    given.finish()?;
    match kind {
        Kind::Webhook => webhook::read(configuration, http_allowed).map(GivenDestination::Webhook),
        Kind::EventBridge => event_bridge::read(configuration).map(GivenDestination::EventBridge),
        Kind::Action => action::read(configuration).map(GivenDestination::Action),
    }
}

impl GivenDestination {
    /// The destination of a new stream.
    pub(crate) fn created(self, additions: &Additions<'_>) -> Result<Destination, Invalid> {
        match self {
            Self::Webhook(given) => given.completed(None).map(Destination::Webhook),
            Self::EventBridge(given) => Ok(Destination::EventBridge(given.with(additions.partner_event_source()))),
            Self::Action(given) => Ok(Destination::Action(given.into())),
        }
    }

    /// Refuses to keep a stored secret for another origin than it was given for.
    pub(crate) fn bound_to_origin(&self, stored: &Destination) -> Result<(), Invalid> {
        match (self, stored) {
            (Self::Webhook(given), Destination::Webhook(stored)) => given.bound_to_origin(stored),
            _ => Ok(()),
        }
    }

    /// What becomes of a stored destination: its type never changes.
    pub(crate) fn changed(self, stored: &Destination) -> Result<Destination, Invalid> {
        match (self, stored) {
            (Self::Webhook(given), Destination::Webhook(stored)) => {
                given.completed(Some(&stored.authorization)).map(Destination::Webhook)
            }
            (Self::EventBridge(_), Destination::EventBridge(_)) => {
                let reason = "A destination of type eventbridge cannot be changed; create another stream";
                Err(Invalid::new(Part::Payload, reason, DESTINATION.name, DESTINATION.about))
            }
            (Self::Action(given), Destination::Action(stored)) => given.unchanged(stored).map(Destination::Action),
            (Self::Webhook(_) | Self::EventBridge(_) | Self::Action(_), stored) => {
                let reason = format!("The type of a destination cannot be changed; it is {}", stored.type_name());
                Err(Invalid::new(Part::Payload, &reason, TYPE_PLACE, TYPE.about))
            }
        }
    }
}

/// A destination as it is answered; the members' order is the contract's.
#[derive(Serialize)]
pub(super) struct DestinationAnswer {
    r#type: &'static str,
    configuration: ConfigurationAnswer,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ConfigurationAnswer {
    Webhook(WebhookAnswer),
    EventBridge(EventBridgeAnswer),
    Action(ActionAnswer),
}

impl From<Destination> for DestinationAnswer {
    fn from(destination: Destination) -> Self {
        Self {
            r#type: destination.type_name(),
            configuration: match destination {
                Destination::Webhook(webhook) => ConfigurationAnswer::Webhook(webhook.into()),
                Destination::EventBridge(bridge) => ConfigurationAnswer::EventBridge(bridge.into()),
                Destination::Action(action) => ConfigurationAnswer::Action(action.into()),
            },
        }
    }
}
