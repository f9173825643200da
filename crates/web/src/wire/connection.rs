//! Connections (management-api.md 6.2). Secrets in their options are read and never written.

use domain::change::ConnectionPatch;
use domain::connection::{
    Authentication, ConnectedAccounts, Connection, ConnectionOptions, OptionFault, Strategy, option_fault,
};
use domain::ids::{ClientId, ConnectionId};
use serde::Serialize;
use serde_json::{Map, Value};
use store::ConnectionPlace;

use domain::clock::Timestamp;

use super::query::Cursor;
use super::reader::{Field, Invalid, ObjectReader, Part, Text};

const NAME: Text = Text::new(
    "name",
    "The name of the connection. Must start and end with an alphanumeric character and can only contain alphanumeric \
     characters and '-'.",
)
.length(1, 128)
.pattern("^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$", is_name);
const STRATEGY: Field = Field::new("strategy", "The identity provider identifier for the connection");
const DISPLAY_NAME: Text =
    Text::new("display_name", "Connection name used in the new universal login experience").length(1, 128);
const OPTIONS: Field = Field::new("options", "The connection's options, which its strategy decides on");
const ENABLED_CLIENTS_FIELD: Field = Field::new("enabled_clients", "The applications that may use the connection");
const ENABLED_CLIENTS: Text = Text::new(ENABLED_CLIENTS_FIELD.name, ENABLED_CLIENTS_FIELD.about).length(1, 64);
const REALMS: Text = Text::new("realms", "The realms that the connection is for").length(1, 128);
const IS_DOMAIN_CONNECTION: Field =
    Field::new("is_domain_connection", "Whether the connection is for third parties' applications");
const SHOW_AS_BUTTON: Field = Field::new("show_as_button", "Whether a login page shows a button for it");
const METADATA: Field = Field::new("metadata", "Up to 10 texts of up to 255 characters");
const AUTHENTICATION: Field = Field::new("authentication", "Whether users may log in with the connection");
const CONNECTED_ACCOUNTS: Field =
    Field::new("connected_accounts", "Whether users may add the connection as an account of theirs");
const ACTIVE: Field = Field::new("active", "Whether it is so");
const CROSS_APP_ACCESS: Field = Field::new("cross_app_access", "Whether applications may exchange its tokens");
const CLIENT_ID_FIELD: Field = Field::new("client_id", "The application");
const CLIENT_ID: Text = Text::new(CLIENT_ID_FIELD.name, CLIENT_ID_FIELD.about).length(1, 64);
const STATUS: Field = Field::new("status", "Whether the application may use the connection");

const METADATA_MEMBERS_MAX: usize = 10;
const METADATA_CHARS_MAX: usize = 255;
/// How many applications one request may switch.
const CLIENTS_MAX: usize = 50;

fn is_name(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && !text.contains("--")
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// A connection to create.
#[derive(Debug)]
pub(crate) struct NewConnection {
    name: String,
    strategy: Strategy,
    changes: ConnectionPatch,
}

impl NewConnection {
    /// The connection, with this id.
    pub(crate) fn into_connection(self, id: ConnectionId, now: Timestamp) -> Connection {
        self.changes.applied_to(&Connection::new(id, &self.name, self.strategy, now))
    }
}

/// Reads the body of a creation.
pub(crate) fn read_new(mut body: ObjectReader) -> Result<NewConnection, Invalid> {
    let name = body.text_required(&NAME)?;
    let strategy = body.word(STRATEGY, Strategy::from_name)?.ok_or_else(|| body.missing(STRATEGY))?;
    let changes = read_changes(body)?;
    check_options(strategy, &ConnectionOptions::new(changes.options.clone().unwrap_or_default()))?;
    Ok(NewConnection { name, strategy, changes })
}

/// Reads the body of a change. Name and strategy stay as they are, so they are not among what it may hold.
pub(crate) fn read_changes(mut body: ObjectReader) -> Result<ConnectionPatch, Invalid> {
    let client_ids = |texts: Vec<String>| texts.into_iter().map(ClientId::from_text).collect();
    let patch = ConnectionPatch {
        display_name: body.text(&DISPLAY_NAME)?,
        enabled_clients: body.texts(&ENABLED_CLIENTS)?.map(client_ids),
        options: body.map(OPTIONS)?,
        realms: body.texts(&REALMS)?,
        is_domain_connection: body.boolean(IS_DOMAIN_CONNECTION)?,
        show_as_button: body.boolean(SHOW_AS_BUTTON)?,
        metadata: read_metadata(&mut body)?,
        authentication: read_authentication(&mut body)?,
        connected_accounts: read_connected_accounts(&mut body)?,
    };
    body.finish()?;
    Ok(patch)
}

/// Refuses options that the events about the connection could not say as its schema wants them.
pub(crate) fn check_options(strategy: Strategy, options: &ConnectionOptions) -> Result<(), Invalid> {
    let Some(OptionFault { place, reason }) = option_fault(strategy, options) else { return Ok(()) };
    let place = if place.is_empty() { OPTIONS.name.to_owned() } else { format!("{}.{place}", OPTIONS.name) };
    Err(Invalid::new(Part::Payload, &reason, &place, OPTIONS.about))
}

fn read_metadata(body: &mut ObjectReader) -> Result<Option<Map<String, Value>>, Invalid> {
    let Some(given) = body.map(METADATA)? else { return Ok(None) };
    if given.len() > METADATA_MEMBERS_MAX {
        let reason = format!("Object has too many properties ({}), maximum {METADATA_MEMBERS_MAX}", given.len());
        return Err(body.fault_at(METADATA, &reason));
    }
    let is_short = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= METADATA_CHARS_MAX);
    if !given.values().all(is_short) {
        let reason = format!("Expected values of type string with at most {METADATA_CHARS_MAX} chars");
        return Err(body.fault_at(METADATA, &reason));
    }
    Ok(Some(given))
}

fn read_authentication(body: &mut ObjectReader) -> Result<Option<Authentication>, Invalid> {
    let Some(mut given) = body.object(AUTHENTICATION)? else { return Ok(None) };
    let active = given.boolean(ACTIVE)?.ok_or_else(|| given.missing(ACTIVE))?;
    given.finish()?;
    Ok(Some(Authentication { active }))
}

fn read_connected_accounts(body: &mut ObjectReader) -> Result<Option<ConnectedAccounts>, Invalid> {
    let Some(mut given) = body.object(CONNECTED_ACCOUNTS)? else { return Ok(None) };
    let active = given.boolean(ACTIVE)?.ok_or_else(|| given.missing(ACTIVE))?;
    let cross_app_access = given.boolean(CROSS_APP_ACCESS)?;
    given.finish()?;
    Ok(Some(ConnectedAccounts { active, cross_app_access }))
}

/// What is said of an application that is not there, among those that may use a connection.
pub(crate) fn enabled_client_unknown(index: usize, client: &ClientId) -> Invalid {
    client_unknown(&format!("{}[{index}]", ENABLED_CLIENTS_FIELD.name), client, ENABLED_CLIENTS_FIELD.about)
}

/// What is said of an application that is not there, among those to switch.
pub(crate) fn switched_client_unknown(index: usize, client: &ClientId) -> Invalid {
    client_unknown(&format!("[{index}].{}", CLIENT_ID_FIELD.name), client, CLIENT_ID_FIELD.about)
}

fn client_unknown(place: &str, client: &ClientId, about: &str) -> Invalid {
    Invalid::new(Part::Payload, &format!("There is no application {}", client.as_str()), place, about)
}

/// Reads which applications may use a connection from now on, and which may not.
pub(crate) fn read_clients(body: Value) -> Result<Vec<(ClientId, bool)>, Invalid> {
    let read = |mut item: ObjectReader| {
        let client_id = ClientId::from_text(item.text_required(&CLIENT_ID)?);
        let status = item.boolean(STATUS)?.ok_or_else(|| item.missing(STATUS))?;
        item.finish()?;
        Ok((client_id, status))
    };
    ObjectReader::root_list(body, 1, CLIENTS_MAX)?.into_iter().map(read).collect()
}

/// A connection as it is answered: without the secrets among its options.
#[derive(Serialize)]
pub(crate) struct ConnectionAnswer {
    id: ConnectionId,
    options: Map<String, Value>,
    strategy: Strategy,
    name: String,
    is_domain_connection: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    show_as_button: Option<bool>,
    authentication: Authentication,
    connected_accounts: ConnectedAccounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    enabled_clients: Vec<ClientId>,
    realms: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
}

impl From<Connection> for ConnectionAnswer {
    fn from(connection: Connection) -> Self {
        let options = connection.options.shown();
        let settings = connection.settings;
        Self {
            id: connection.id,
            options,
            strategy: connection.strategy,
            name: connection.name,
            is_domain_connection: settings.is_domain_connection,
            show_as_button: settings.show_as_button,
            authentication: settings.authentication,
            connected_accounts: settings.connected_accounts,
            display_name: settings.display_name,
            enabled_clients: connection.enabled_clients,
            realms: settings.realms,
            metadata: settings.metadata,
        }
    }
}

/// An application that may use a connection.
#[derive(Serialize)]
pub(crate) struct EnabledClient {
    /// The application.
    pub client_id: ClientId,
}

impl Cursor for ConnectionPlace {
    fn to_text(&self) -> String {
        format!("{} {}", self.created_at.as_millis(), self.id)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (created_at, id) = text.split_once(' ')?;
        let created_at = Timestamp::from_millis(created_at.parse().ok()?);
        Some(Self { created_at, id: ConnectionId::from_text(id) })
    }
}

impl Cursor for ClientId {
    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(Self::from_text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "Username-Password-Authentication", "0-9"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "a--b", "a_b", "a b", "ä"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
