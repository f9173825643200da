//! Connections.

use serde_json::{Map, Value};

use super::{Change, Expect, Origin, Versioned, Write};
use crate::catalog::EventType;
use crate::connection::{Authentication, ConnectedAccounts, Connection, ConnectionObject};
use crate::event::{Event, Subject};
use crate::ids::ClientId;

/// What a caller wants changed of a connection; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ConnectionPatch {
    /// A new name to read.
    pub display_name: Option<String>,
    /// The whole new list of applications.
    pub enabled_clients: Option<Vec<ClientId>>,
    /// All the new options; secrets that are left out stay.
    pub options: Option<Map<String, Value>>,
    /// The whole new list of realms.
    pub realms: Option<Vec<String>>,
    /// See [`crate::connection::ConnectionSettings::is_domain_connection`].
    pub is_domain_connection: Option<bool>,
    /// See [`crate::connection::ConnectionSettings::show_as_button`].
    pub show_as_button: Option<bool>,
    /// All the new metadata.
    pub metadata: Option<Map<String, Value>>,
    /// Whether users may log in with it.
    pub authentication: Option<Authentication>,
    /// Whether users may add it as an account of theirs.
    pub connected_accounts: Option<ConnectedAccounts>,
}

impl ConnectionPatch {
    /// `connection` after this.
    #[must_use]
    pub fn applied_to(&self, connection: &Connection) -> Connection {
        let patch = self.clone();
        let mut patched = connection.clone();
        patched.enabled_clients = patch.enabled_clients.unwrap_or(patched.enabled_clients);
        if let Some(options) = patch.options {
            patched.options = patched.options.replaced_by(options);
        }
        let settings = &mut patched.settings;
        settings.display_name = patch.display_name.or(settings.display_name.take());
        settings.realms = patch.realms.unwrap_or(std::mem::take(&mut settings.realms));
        settings.is_domain_connection = patch.is_domain_connection.unwrap_or(settings.is_domain_connection);
        settings.show_as_button = patch.show_as_button.or(settings.show_as_button);
        settings.metadata = patch.metadata.or(settings.metadata.take());
        settings.authentication = patch.authentication.unwrap_or(settings.authentication);
        settings.connected_accounts = patch.connected_accounts.unwrap_or(settings.connected_accounts);
        patched
    }
}

/// The event about a connection, where its strategy raises any.
fn event(
    event_type: EventType,
    connection: &Connection,
    previous: Option<&Connection>,
    origin: &Origin<'_>,
) -> Option<Event> {
    if !connection.strategy.raises_events() {
        return None;
    }
    let subject = Subject::new("connection", connection.id.as_str());
    let previous = previous.map(ConnectionObject::from);
    Some(origin.event(event_type, subject, &ConnectionObject::from(connection), previous.as_ref()))
}

/// A new connection raises `connection.created`, if its strategy raises events.
pub fn connection_create(connection: Connection, origin: &Origin<'_>) -> Change {
    let event = event(EventType::ConnectionCreated, &connection, None, origin);
    Change { writes: vec![Write::ConnectionPut(Expect::Absent, connection)], events: event.into_iter().collect() }
}

/// A changed connection raises `connection.updated` with the whole former object, if its strategy raises events; a
/// patch without effect is no change.
pub fn connection_update(
    stored: &Versioned<Connection>,
    patch: &ConnectionPatch,
    origin: &Origin<'_>,
) -> Option<(Connection, Change)> {
    let connection = patch.applied_to(&stored.value);
    if connection == stored.value {
        return None;
    }
    let event = event(EventType::ConnectionUpdated, &connection, Some(&stored.value), origin);
    let write = Write::ConnectionPut(Expect::At(stored.revision), connection.clone());
    Some((connection, Change { writes: vec![write], events: event.into_iter().collect() }))
}

/// A deleted connection raises `connection.deleted`, if its strategy raises events. What belongs to it goes with it,
/// without further events; its users stay.
pub fn connection_delete(stored: &Versioned<Connection>, origin: &Origin<'_>) -> Change {
    let connection = &stored.value;
    let event = event(EventType::ConnectionDeleted, connection, None, origin);
    let write = Write::ConnectionDelete(stored.revision, connection.id.clone());
    Change { writes: vec![write], events: event.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::Revision;
    use crate::change::tests::with_origin;
    use crate::clock::Timestamp;
    use crate::connection::{ConnectionOptions, Strategy};
    use crate::ids::ConnectionId;

    fn connection(strategy: &str, options: Value) -> Versioned<Connection> {
        let strategy = Strategy::from_name(strategy).unwrap();
        let mut connection =
            Connection::new(ConnectionId::from_text("con_1"), "corp", strategy, Timestamp::from_millis(0));
        connection.options = ConnectionOptions::new(options.as_object().unwrap().clone());
        connection.settings.show_as_button = Some(true);
        Versioned { revision: Revision(3), value: connection }
    }

    fn data(change: &Change) -> Vec<Value> {
        let body = |event: &Event| serde_json::from_slice::<Value>(&event.body).unwrap()["data"].clone();
        change.events.iter().map(body).collect()
    }

    #[test]
    fn an_event_says_a_connection_without_its_secrets() {
        with_origin(|origin| {
            let stored = connection("okta", json!({"client_id": "c", "client_secret": "hush", "unlisted": 1}));
            let change = connection_create(stored.value, origin);
            assert_eq!(change.events[0].subject, Subject::new("connection", "con_1"));
            let object = json!({
                "id": "con_1", "name": "corp", "strategy": "okta", "enabled_clients": [],
                "is_domain_connection": false, "realms": ["corp"], "show_as_button": true,
                "authentication": {"active": true}, "connected_accounts": {"active": false},
                "options": {"client_id": "c"},
            });
            assert_eq!(data(&change), [json!({"object": object, "context": {"tenant": {"id": "acme"}}})]);
        });
    }

    #[test]
    fn a_change_says_what_was_and_one_without_effect_is_none() {
        with_origin(|origin| {
            let stored = connection("ad", json!({}));
            let patch = ConnectionPatch { display_name: Some("Corp".into()), ..ConnectionPatch::default() };
            let (changed, change) = connection_update(&stored, &patch, origin).unwrap();
            let said = &data(&change)[0];
            assert_eq!(said["object"]["display_name"], "Corp");
            assert_eq!(said["previous_object"].get("display_name"), None);
            assert_eq!(said["object"].get("show_as_button"), None, "the schema of ad has none");
            let stored = Versioned { value: changed, ..stored };
            assert!(connection_update(&stored, &patch, origin).is_none());
        });
    }

    #[test]
    fn other_strategies_raise_nothing() {
        with_origin(|origin| {
            for strategy in ["auth0", "email", "google-oauth2", "office365"] {
                let stored = connection(strategy, json!({}));
                let patch = ConnectionPatch { is_domain_connection: Some(true), ..ConnectionPatch::default() };
                assert_eq!(connection_create(stored.value.clone(), origin).events, []);
                assert_eq!(connection_update(&stored, &patch, origin).unwrap().1.events, []);
                assert_eq!(connection_delete(&stored, origin).events, []);
            }
        });
    }
}
