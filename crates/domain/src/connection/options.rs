//! The options of a connection: whatever its strategy needs, secrets among it.

use std::fmt;

use serde_json::{Map, Value};

/// The options of a connection as they were given. They are sealed at rest as a whole, because no list of what is
/// secret in the options of sixty strategies is complete; `Debug` shows nothing of them.
#[derive(Clone, Default, PartialEq)]
pub struct ConnectionOptions(Map<String, Value>);

/// What the names of secret texts end with, without case and separators: `client_secret`, `twilio_token`.
const SECRET_ENDINGS: &[&str] = &["secret", "password", "passphrase", "token", "apikey", "privatekey"];

/// Members that are secret whatever they hold: keys with their certificates, and what a database's scripts are given.
const SECRET_MEMBERS: &[&str] = &["signingkey", "decryptionkey", "configuration", "gatewayauthentication"];

/// Members that hold the source of scripts, named after what they do (`change_password`).
const SCRIPTS: &str = "customScripts";

impl ConnectionOptions {
    /// The options `given`.
    pub fn new(given: Map<String, Value>) -> Self {
        Self(given)
    }

    /// All of them, secrets included, for the one place that seals them.
    pub fn expose(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that may be shown: everything but secrets.
    pub fn shown(&self) -> Map<String, Value> {
        without_secrets(&self.0)
    }

    /// What takes their place when a caller gives `new` ones: those alone, but for the secrets that the caller left
    /// out, because nobody can send back what is never shown. A `null` takes a secret away.
    #[must_use]
    pub fn replaced_by(&self, new: Map<String, Value>) -> Self {
        let kept = self.0.iter().filter(|(name, value)| is_secret(name, value) && !new.contains_key(*name));
        let kept: Vec<(String, Value)> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut replaced = Self(new).0;
        replaced.extend(kept);
        let removed: Vec<String> = replaced
            .iter()
            .filter(|(name, value)| value.is_null() && self.0.get(*name).is_some_and(|was| is_secret(name, was)))
            .map(|(name, _)| name.clone())
            .collect();
        removed.iter().for_each(|name| drop(replaced.remove(name)));
        Self(replaced)
    }
}

impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionOptions(***)")
    }
}

fn is_secret(name: &str, value: &Value) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(_) | Value::Number(_) => {
            SECRET_ENDINGS.iter().chain(SECRET_MEMBERS).any(|ending| plain.ends_with(ending))
        }
        Value::Object(_) | Value::Array(_) => SECRET_MEMBERS.iter().any(|secret| plain.ends_with(secret)),
    }
}

fn without_secrets(members: &Map<String, Value>) -> Map<String, Value> {
    let shown = members.iter().filter(|(name, value)| !is_secret(name, value));
    shown
        .map(|(name, value)| {
            let value = if name == SCRIPTS { value.clone() } else { value_without_secrets(value) };
            (name.clone(), value)
        })
        .collect()
}

fn value_without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(without_secrets(members)),
        Value::Array(items) => Value::Array(items.iter().map(value_without_secrets).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(value: Value) -> ConnectionOptions {
        ConnectionOptions::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn secrets_are_told_from_the_rest() {
        let given = options(json!({
            "client_id": "c", "client_secret": "s", "clientSecret": "s", "twilio_token": "s", "app_secret": "s",
            "signing_key": {"cert": "c", "key": "s"}, "decryptionKey": "s", "configuration": {"DB_URL": "s"},
            "token_endpoint": "https://x", "disable_self_service_change_password": true,
            "customScripts": {"change_password": "function"}, "authentication_methods": {"password": {"enabled": true}},
            "upstream_params": {"login_hint": {"alias": "login_hint"}, "api_key": "s"},
        }));
        let shown = json!({
            "client_id": "c", "token_endpoint": "https://x", "disable_self_service_change_password": true,
            "customScripts": {"change_password": "function"}, "authentication_methods": {"password": {"enabled": true}},
            "upstream_params": {"login_hint": {"alias": "login_hint"}},
        });
        assert_eq!(Value::Object(given.shown()), shown);
        assert_eq!(format!("{given:?}"), "ConnectionOptions(***)");
    }

    #[test]
    fn what_is_never_shown_is_kept_unless_it_is_given_or_taken_away() {
        let stored = options(json!({"client_id": "c", "client_secret": "s", "scope": "openid"}));
        let replaced = |new: Value| Value::Object(stored.replaced_by(new.as_object().unwrap().clone()).0);
        assert_eq!(replaced(json!({"client_id": "d"})), json!({"client_id": "d", "client_secret": "s"}));
        assert_eq!(replaced(json!({"client_secret": "t"})), json!({"client_secret": "t"}));
        assert_eq!(replaced(json!({"client_secret": null, "scope": null})), json!({"scope": null}));
    }
}
