//! Event streams (management-api.md 3.1 to 3.6). Secrets come in here and never go out.

use std::borrow::Cow;

use domain::catalog::EventType;
use domain::clock::{Entropy, Timestamp};
use domain::destination::{Authorization, Destination, Endpoint, HEADERS_RESERVED, Webhook, is_header_name};
use domain::ids::StreamId;
use domain::place::{Place, Resume};
use domain::secret::Secret;
use domain::stream::{EventStream, StreamStatus};
use serde::Serialize;
use store::MissedRange;

use super::position::{Start, read_resume, read_start, resume_without_enabling, snapshot_of_disabled};
use super::query::Cursor;
use super::reader::{Field, Invalid, ObjectReader, Part, Text};
use super::redelivery::CountedAnswer;
use super::stream_extension::{EXTENSION, GivenOptions, OptionsAnswer, read_options};
use crate::event_types::EventTypeNames;
use crate::offsets::Offsets;

const NAME: Text = Text::new("name", "Name of the event stream.").length(1, 128);
const STATUS: Field = Field::new("status", "Indicates whether the event stream is actively forwarding events.");
const SUBSCRIPTIONS: Field = Field::new("subscriptions", "List of event types subscribed to in this stream.");
const EVENT_TYPE: Field = Field::new("event_type", "One of the event types that this server knows.");
const DESTINATION: Field = Field::new("destination", "Where the events are delivered to.");
const TYPE: Field = Field::new("type", "Type of the destination; this server delivers to webhook only so far.");
const CONFIGURATION: Field = Field::new("configuration", "Configuration specific to a webhook destination.");
const ENDPOINT_FIELD: Field = Field::new("webhook_endpoint", "Target HTTP endpoint URL.");
const ENDPOINT: Text = Text::new(ENDPOINT_FIELD.name, ENDPOINT_FIELD.about);
const AUTHORIZATION: Field = Field::new("webhook_authorization", "HTTP authorization of the webhook.");
const AUTHORIZATION_PLACE: &str = "destination.configuration.webhook_authorization";
const METHOD: Field = Field::new("method", "Type of authorization: bearer, basic or custom_header.");
const TOKEN: Text = Text::new("token", "HTTP Authorization token.").secret().format("printable", is_printable);
const USERNAME: Text = Text::new("username", "Username.")
    .length(1, 128)
    .pattern("^[^:]+$", |text| !text.contains(':') && is_printable(text));
const PASSWORD: Text = Text::new("password", "Password.").secret().format("printable", is_printable);
const HEADER_KEY: Text = Text::new("header_key", "HTTP header name; not one that the server itself sets.")
    .length(1, 256)
    .pattern(r"^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$", is_header_name);
const HEADER_VALUE: Text =
    Text::new("header_value", "HTTP header value.").secret().format("printable", is_header_value);
const MISSED: Field = Field::new("missed", "What the stream has missed while it was disabled; not to be set.");

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Header values are sent as they are, so only what HTTP carries unchanged is taken.
fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && text.trim() == text
}

/// A stream to create.
#[derive(Debug)]
pub(crate) struct NewStream {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Whether it delivers.
    pub status: StreamStatus,
    /// The event types, each once.
    pub subscriptions: Vec<EventType>,
    /// Where it delivers to.
    pub destination: Destination,
    /// What the contract does not have.
    pub options: GivenOptions,
    /// Where it starts.
    pub start: Start,
}

/// What to change of a stream; what is absent stays.
#[derive(Debug)]
pub(crate) struct StreamChanges {
    /// A new name.
    pub name: Option<String>,
    /// A new status.
    pub status: Option<StreamStatus>,
    /// The whole new list of event types.
    pub subscriptions: Option<Vec<EventType>>,
    /// The whole new destination, but perhaps for its secret.
    pub destination: Option<GivenWebhook>,
    /// What the contract does not have.
    pub options: GivenOptions,
    /// What it gets of what it has missed, should this enable it.
    pub resume: Option<Resume>,
}

/// A webhook as it is given: without its secret, the stored one is meant.
#[derive(Clone, Debug)]
pub(crate) struct GivenWebhook {
    endpoint: Endpoint,
    authorization: GivenAuthorization,
}

#[derive(Clone, Debug)]
enum GivenAuthorization {
    Bearer { token: Option<Secret> },
    Basic { username: String, password: Option<Secret> },
    CustomHeader { header_key: String, header_value: Option<Secret> },
}

impl GivenWebhook {
    /// The destination, with the stored secret where none is given and the method is the same.
    pub(crate) fn completed(self, stored: Option<&Authorization>) -> Result<Destination, Invalid> {
        let missing = |secret: &Text| {
            let reason = format!("Missing required property: {}", secret.name());
            Invalid::new(Part::Payload, &reason, AUTHORIZATION_PLACE, AUTHORIZATION.about)
        };
        let authorization = match (self.authorization, stored) {
            (GivenAuthorization::Bearer { token: Some(token) }, _) => Authorization::Bearer { token },
            (GivenAuthorization::Bearer { token: None }, Some(Authorization::Bearer { token })) => {
                Authorization::Bearer { token: token.clone() }
            }
            (GivenAuthorization::Bearer { token: None }, _) => return Err(missing(&TOKEN)),
            (GivenAuthorization::Basic { username, password: Some(password) }, _) => {
                Authorization::Basic { username, password }
            }
            (GivenAuthorization::Basic { username, password: None }, Some(Authorization::Basic { password, .. })) => {
                Authorization::Basic { username, password: password.clone() }
            }
            (GivenAuthorization::Basic { password: None, .. }, _) => return Err(missing(&PASSWORD)),
            (GivenAuthorization::CustomHeader { header_key, header_value: Some(header_value) }, _) => {
                Authorization::CustomHeader { header_key, header_value }
            }
            (
                GivenAuthorization::CustomHeader { header_key, header_value: None },
                Some(Authorization::CustomHeader { header_value, .. }),
            ) => Authorization::CustomHeader { header_key, header_value: header_value.clone() },
            (GivenAuthorization::CustomHeader { header_value: None, .. }, _) => return Err(missing(&HEADER_VALUE)),
        };
        Ok(Destination::Webhook(Webhook { endpoint: self.endpoint, authorization }))
    }
}

/// Reads the body of a creation. `http_allowed` is the operator's choice.
pub(crate) fn read_new(
    mut body: ObjectReader,
    types: &EventTypeNames,
    http_allowed: bool,
    offsets: &Offsets,
) -> Result<NewStream, Invalid> {
    let changes = read_members(&mut body, types, http_allowed)?;
    let status = changes.status.unwrap_or(StreamStatus::Enabled);
    let (mut options, mut start) = (GivenOptions::default(), None);
    if let Some(mut extension) = body.object(EXTENSION)? {
        options = read_options(&mut extension)?;
        start = read_start(&mut extension, offsets)?;
        // What the server answers may be given back: whoever exports and imports streams does.
        let _ = extension.value(MISSED);
        if start == Some(Start::Snapshot) && status == StreamStatus::Disabled {
            return Err(snapshot_of_disabled(&extension));
        }
        extension.finish_with_path()?;
    }
    let destination = changes.destination.ok_or_else(|| body.missing(DESTINATION))?.completed(None)?;
    body.finish()?;
    Ok(NewStream {
        name: changes.name,
        status,
        subscriptions: changes.subscriptions.unwrap_or_default(),
        destination,
        options,
        start: start.unwrap_or(Start::Place(Place::Now)),
    })
}

/// Reads the body of a change.
pub(crate) fn read_changes(
    mut body: ObjectReader,
    types: &EventTypeNames,
    http_allowed: bool,
) -> Result<StreamChanges, Invalid> {
    let mut changes = read_members(&mut body, types, http_allowed)?;
    if let Some(mut extension) = body.object(EXTENSION)? {
        changes.options = read_options(&mut extension)?;
        changes.resume = read_resume(&mut extension)?;
        let _ = extension.value(MISSED);
        if changes.resume.is_some() && changes.status != Some(StreamStatus::Enabled) {
            return Err(resume_without_enabling(&extension));
        }
        extension.finish_with_path()?;
    }
    body.finish()?;
    Ok(changes)
}

fn read_members(body: &mut ObjectReader, types: &EventTypeNames, http_allowed: bool) -> Result<StreamChanges, Invalid> {
    Ok(StreamChanges {
        name: body.text(&NAME)?,
        status: body.word(STATUS, StreamStatus::from_name)?,
        subscriptions: read_subscriptions(body, types)?,
        destination: body
            .object(DESTINATION)?
            .map(|destination| read_destination(destination, http_allowed))
            .transpose()?,
        options: GivenOptions::default(),
        resume: None,
    })
}

fn read_subscriptions(body: &mut ObjectReader, known: &EventTypeNames) -> Result<Option<Vec<EventType>>, Invalid> {
    let Some(items) = body.objects(SUBSCRIPTIONS)? else { return Ok(None) };
    if items.is_empty() {
        return Err(body.fault_at(SUBSCRIPTIONS, "Array is too short (0), minimum 1"));
    }
    let mut types = Vec::with_capacity(items.len());
    for mut item in items {
        let event_type = item.word(EVENT_TYPE, |name| known.resolve(name))?.ok_or_else(|| item.missing(EVENT_TYPE))?;
        item.finish()?;
        if !types.contains(&event_type) {
            types.push(event_type);
        }
    }
    Ok(Some(types))
}

fn read_destination(mut destination: ObjectReader, http_allowed: bool) -> Result<GivenWebhook, Invalid> {
    let is_webhook = |word: &str| (word == "webhook").then_some(());
    destination.word(TYPE, is_webhook)?.ok_or_else(|| destination.missing(TYPE))?;
    let mut configuration = destination.object_required(CONFIGURATION)?;
    destination.finish()?;
    let given = configuration.text_required(&ENDPOINT)?;
    let endpoint = Endpoint::parse(&given, http_allowed)
        .map_err(|error| configuration.fault_at(ENDPOINT_FIELD, &error.to_string()))?;
    let authorization = read_authorization(configuration.object_required(AUTHORIZATION)?)?;
    configuration.finish()?;
    Ok(GivenWebhook { endpoint, authorization })
}

fn read_authorization(mut given: ObjectReader) -> Result<GivenAuthorization, Invalid> {
    let is_method = |word: &str| ["bearer", "basic", "custom_header"].into_iter().find(|method| *method == word);
    let method = given.word(METHOD, is_method)?.ok_or_else(|| given.missing(METHOD))?;
    let authorization = match method {
        "bearer" => GivenAuthorization::Bearer { token: given.text(&TOKEN)?.map(Secret::new) },
        "basic" => GivenAuthorization::Basic {
            username: given.text_required(&USERNAME)?,
            password: given.text(&PASSWORD)?.map(Secret::new),
        },
        _ => {
            let header_key = given.text_required(&HEADER_KEY)?;
            if HEADERS_RESERVED.contains(&header_key.to_ascii_lowercase().as_str()) {
                let reason = format!("The header {header_key} is set by the server");
                return Err(given.fault_at(Field::new(HEADER_KEY.name(), "HTTP header name."), &reason));
            }
            let header_value = given.text(&HEADER_VALUE)?.map(Secret::new);
            GivenAuthorization::CustomHeader { header_key, header_value }
        }
    };
    given.finish()?;
    Ok(authorization)
}

/// A stream as it is answered; the members' order is the contract's.
#[derive(Serialize)]
pub(crate) struct StreamAnswer {
    id: StreamId,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    subscriptions: Vec<SubscriptionAnswer>,
    created_at: Timestamp,
    updated_at: Timestamp,
    destination: DestinationAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    headwater: Option<ExtensionAnswer>,
}

/// What the contract does not have; a member that is at its default is left out.
#[derive(Default, Serialize)]
struct ExtensionAnswer {
    #[serde(flatten)]
    options: OptionsAnswer,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missed: Vec<MissedAnswer>,
}

/// A stretch of the log that a stream has missed.
#[derive(Serialize)]
struct MissedAnswer {
    from_offset: String,
    /// Left out while the stream goes on missing what is raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_offset: Option<String>,
    #[serde(flatten)]
    events: CountedAnswer,
}

#[derive(Serialize)]
struct SubscriptionAnswer {
    event_type: Cow<'static, str>,
}

#[derive(Serialize)]
struct DestinationAnswer {
    r#type: &'static str,
    configuration: WebhookAnswer,
}

#[derive(Serialize)]
struct WebhookAnswer {
    webhook_endpoint: String,
    webhook_authorization: AuthorizationAnswer,
}

#[derive(Serialize)]
struct AuthorizationAnswer {
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header_key: Option<String>,
}

impl StreamAnswer {
    /// With a signing secret that the server has made for it, which no other answer shows.
    pub(crate) fn showing(mut self, made: Option<&Secret>) -> Self {
        if let (Some(extension), Some(made)) = (&mut self.headwater, made) {
            extension.options.show_made(made);
        }
        self
    }

    /// With what the stream has missed while it was disabled, if it has missed anything.
    pub(crate) fn with_missed(mut self, missed: &[MissedRange], offsets: &Offsets, entropy: &dyn Entropy) -> Self {
        if !missed.is_empty() {
            let offset = |seq| offsets.of_place(seq, entropy);
            let answer = |range: &MissedRange| MissedAnswer {
                from_offset: offset(range.from),
                to_offset: range.until.map(offset),
                events: range.counted.into(),
            };
            let extension = self.headwater.get_or_insert_default();
            extension.missed = missed.iter().map(answer).collect();
        }
        self
    }

    /// The stream, with the names that its tenant has for event types.
    pub(crate) fn new(stream: EventStream, types: &EventTypeNames) -> Self {
        let options = OptionsAnswer::of(&stream.options);
        let headwater = options.map(|options| ExtensionAnswer { options, missed: Vec::new() });
        let destination_type = stream.destination.type_name();
        let Destination::Webhook(webhook) = stream.destination;
        let method = webhook.authorization.method();
        let (username, header_key) = match webhook.authorization {
            Authorization::Bearer { .. } => (None, None),
            Authorization::Basic { username, .. } => (Some(username), None),
            Authorization::CustomHeader { header_key, .. } => (None, Some(header_key)),
        };
        Self {
            id: stream.id,
            status: stream.status.name(),
            name: stream.name,
            subscriptions: stream
                .subscriptions
                .iter()
                .map(|event_type| SubscriptionAnswer { event_type: types.name_of(*event_type) })
                .collect(),
            created_at: stream.created_at,
            updated_at: stream.updated_at,
            destination: DestinationAnswer {
                r#type: destination_type,
                configuration: WebhookAnswer {
                    webhook_endpoint: webhook.endpoint.as_str().to_owned(),
                    webhook_authorization: AuthorizationAnswer { method, username, header_key },
                },
            },
            headwater,
        }
    }
}

impl Cursor for StreamId {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}
