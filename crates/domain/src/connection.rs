//! A connection: where users come from.

mod event_options;
mod options;
mod strategy;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::ids::{ClientId, ConnectionId};

pub use event_options::{OptionFault, option_fault};
pub use options::ConnectionOptions;
pub use strategy::{Strategy, StrategyKind};

/// The name of the connection that a first start makes.
pub const DATABASE_CONNECTION: &str = "Username-Password-Authentication";

/// A connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// `con_…`
    pub id: ConnectionId,
    /// Unique in the tenant; never changes.
    pub name: String,
    /// Never changes.
    pub strategy: Strategy,
    /// The applications that may use it.
    pub enabled_clients: Vec<ClientId>,
    /// What its strategy needs, secrets among it.
    pub options: ConnectionOptions,
    /// Everything else.
    pub settings: ConnectionSettings,
    /// When it was created. Not shown.
    pub created_at: Timestamp,
}

/// What a connection is besides its name, strategy, applications and options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionSettings {
    /// The name that people read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Where its users log in; its own name unless given.
    pub realms: Vec<String>,
    /// Whether a third party's applications may use it.
    pub is_domain_connection: bool,
    /// Whether a login page shows a button for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show_as_button: Option<bool>,
    /// Texts that its owner chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// Whether users may log in with it.
    pub authentication: Authentication,
    /// Whether users may add it as an account of theirs.
    pub connected_accounts: ConnectedAccounts,
}

/// See [`ConnectionSettings::authentication`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Whether it is so.
    pub active: bool,
}

/// See [`ConnectionSettings::connected_accounts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectedAccounts {
    /// Whether it is so.
    pub active: bool,
    /// Whether applications may exchange its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_app_access: Option<bool>,
}

impl ConnectionSettings {
    /// The settings of a connection called `name` about which nothing was said.
    pub fn of(name: &str) -> Self {
        Self {
            display_name: None,
            realms: vec![name.to_owned()],
            is_domain_connection: false,
            show_as_button: None,
            metadata: None,
            authentication: Authentication { active: true },
            connected_accounts: ConnectedAccounts { active: false, cross_app_access: None },
        }
    }
}

impl Connection {
    /// A connection about which nothing else was said.
    pub fn new(id: ConnectionId, name: &str, strategy: Strategy, now: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            strategy,
            enabled_clients: Vec::new(),
            options: ConnectionOptions::default(),
            settings: ConnectionSettings::of(name),
            created_at: now,
        }
    }

    /// Whether its users are kept here rather than at an identity provider.
    pub fn is_database(&self) -> bool {
        self.strategy.kind() == StrategyKind::Database
    }

    /// Whether users are created in it through the API: those of a database, and those to whom a code is sent.
    pub fn takes_new_users(&self) -> bool {
        [Strategy::DATABASE, Strategy::EMAIL, Strategy::SMS].contains(&self.strategy)
    }

    /// Whether it is for the users of a domain: its option `domain_aliases` names that, in any case.
    pub fn has_domain_alias(&self, domain: &str) -> bool {
        let aliases = self.options.expose().get("domain_aliases").and_then(Value::as_array);
        let is_it = |alias: &Value| alias.as_str().is_some_and(|alias| alias.eq_ignore_ascii_case(domain));
        aliases.is_some_and(|aliases| aliases.iter().any(is_it))
    }
}

/// A connection as the events about it say it: a closed shape, without secrets (event-types.md, 23 to 25).
#[derive(Serialize)]
pub(crate) struct ConnectionObject<'a> {
    id: &'a ConnectionId,
    name: &'a str,
    strategy: Strategy,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    enabled_clients: &'a [ClientId],
    is_domain_connection: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    realms: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    show_as_button: Option<bool>,
    authentication: Authentication,
    connected_accounts: ConnectedAccounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Map<String, Value>>,
}

impl<'a> From<&'a Connection> for ConnectionObject<'a> {
    fn from(connection: &'a Connection) -> Self {
        let settings = &connection.settings;
        // Of the eight, one has no button, and one says more of accounts.
        let has_button = connection.strategy.name() != "ad";
        let says_cross_app_access = connection.strategy.name() == "oidc";
        let ConnectedAccounts { active, cross_app_access } = settings.connected_accounts;
        Self {
            id: &connection.id,
            name: &connection.name,
            strategy: connection.strategy,
            display_name: settings.display_name.as_deref(),
            enabled_clients: &connection.enabled_clients,
            is_domain_connection: settings.is_domain_connection,
            metadata: settings.metadata.as_ref(),
            realms: &settings.realms,
            show_as_button: settings.show_as_button.filter(|_| has_button),
            authentication: settings.authentication,
            connected_accounts: ConnectedAccounts {
                active,
                cross_app_access: cross_app_access.filter(|_| says_cross_app_access),
            },
            options: event_options::event_options(connection.strategy, &connection.options),
        }
    }
}
