//! Where a setting's text comes from: the defaults, a file, the environment, flags; the later one wins.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::ConfigError;
use super::tenants::{self, ConfiguredTenant};
use crate::environment::{Environment, PREFIX};

/// The defaults, commented: the file is the reference of the keys.
pub(crate) const DEFAULTS: &str = include_str!("../config.default.toml");

/// A key and whether its value must not be shown.
struct Key {
    name: &'static str,
    secret: bool,
}

const fn key(name: &'static str) -> Key {
    Key { name, secret: false }
}

const fn secret(name: &'static str) -> Key {
    Key { name, secret: true }
}

/// Every key there is, as in the file of defaults.
const KEYS: &[Key] = &[
    key("listen"),
    key("public_url"),
    key("tls_cert"),
    key("tls_key"),
    key("data_dir"),
    key("store"),
    key("log"),
    secret("master_key"),
    secret("master_key_previous"),
    key("master_key_file"),
    key("retention"),
    key("counts_by_minute_kept"),
    key("counts_by_hour_kept"),
    key("counts_kept"),
    key("bootstrap_client_id"),
    secret("bootstrap_client_secret"),
    key("token_lifetime"),
    key("signing_key_age_max"),
    key("request_bytes_max"),
    key("batch_bytes_max"),
    key("streams_max"),
    key("actions_max"),
    key("rate_limit_per_s"),
    key("rate_limit_burst"),
    key("events_connections_max"),
    key("events_heartbeat"),
    key("events_cycle"),
    key("operator_session_idle"),
    key("operator_session_max"),
    key("allow_destinations"),
    key("allow_http"),
    key("extra_ca"),
    secret("outbound_proxy"),
    key("bind_secrets_to_origin"),
    key("key_set_fresh_for"),
    key("key_set_age_max"),
    key("eventbridge_mode"),
    key("eventbridge_bus"),
    key("eventbridge_role"),
    key("eventbridge_source"),
    key("eventbridge_partner"),
    key("delivery_timeout"),
    key("retry_after_max"),
    key("retry_jitter"),
    key("wait_in_window_max"),
    key("failures_in_row_max"),
    key("failures_outstanding_max"),
    key("probe_wait_min"),
    key("probe_wait_max"),
    key("in_flight_max"),
    key("in_flight_start"),
    key("window_events_max"),
    key("window_bytes_max"),
    key("parked_max"),
    key("all_windows_bytes_max"),
    key("answer_head_bytes_max"),
    key("answer_body_bytes_max"),
    key("idle_connections_max"),
    key("far_behind"),
    key("checkpoint_every"),
    key("unsaved_max"),
    key("action_timeout"),
    key("action_memory_bytes_max"),
    key("action_console_bytes_max"),
    key("action_requests_max"),
    key("action_request_bytes_max"),
    key("action_answer_bytes_max"),
    key("action_processes_max"),
    key("action_processes_per_stream_max"),
    key("shutdown_timeout"),
];

/// Variables with our prefix that are no keys: the client's.
const CLIENT_VARIABLES: &[&str] = &[
    "HEADWATER_AGENT_MODE",
    "HEADWATER_CLIENT_ID",
    "HEADWATER_CLIENT_SECRET",
    "HEADWATER_CONFIG_DIR",
    "HEADWATER_PROFILE",
    "HEADWATER_TOKEN",
    "HEADWATER_URL",
];
/// Variables that only tests look at.
const TEST_PREFIXES: &[&str] = &["HEADWATER_TEST_", "HEADWATER_SIMULATION_", "HEADWATER_EVENTS_SCHEMA"];

/// Where a text was found, in the words that its owner uses for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable,
    Flag,
}

/// A setting's text and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) key: &'static str,
    pub(super) text: String,
    pub(super) origin: Origin,
    pub(super) secret: bool,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => write!(f, "{}", self.key),
            Origin::File(path) => write!(f, "{} in {}", self.key, path.display()),
            Origin::Variable => f.write_str(&variable_of(self.key)),
            Origin::Flag => write!(f, "--{}", self.key.replace('_', "-")),
        }
    }
}

/// The settings' texts, from all places.
#[derive(Debug, Default)]
pub(super) struct Layers {
    texts: BTreeMap<&'static str, Found>,
    tenants: Vec<ConfiguredTenant>,
}

impl Layers {
    /// The texts of all places together.
    pub(super) fn gather(
        file: Option<&Path>,
        environment: &Environment,
        flags: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        layers.add_toml(DEFAULTS, &Origin::Default)?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|reason| ConfigError::FileUnreadable { path: path.to_owned(), reason })?;
            layers.add_toml(&text, &Origin::File(path.to_owned()))?;
        }
        for each in KEYS {
            if let Some(text) = environment.get(&variable_of(each.name)) {
                layers.add(each, text.to_owned(), Origin::Variable);
            }
        }
        for (name, text) in flags {
            let name = name.replace('-', "_");
            layers.add(known(&name, "the command line")?, text.clone(), Origin::Flag);
        }
        Ok(layers)
    }

    /// What was found of a key, if anything.
    pub(super) fn get(&self, key: &str) -> Option<&Found> {
        debug_assert!(KEYS.iter().any(|each| each.name == key), "{key} is a key");
        self.texts.get(key).filter(|found| !found.text.is_empty())
    }

    /// The tenants of the file.
    pub(super) fn tenants(&self) -> &[ConfiguredTenant] {
        &self.tenants
    }

    fn add(&mut self, key: &'static Key, text: String, origin: Origin) {
        self.texts.insert(key.name, Found { key: key.name, text, origin, secret: key.secret });
    }

    fn add_toml(&mut self, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let place = match origin {
            Origin::File(path) => path.display().to_string(),
            _ => "the defaults".to_owned(),
        };
        let not_toml = |error: toml::de::Error| ConfigError::NotToml { place: place.clone(), reason: one_line(&error) };
        let table: Table = text.parse().map_err(not_toml)?;
        for (name, value) in table {
            if name == tenants::KEY {
                self.tenants = tenants::read(&value, &place)?;
                continue;
            }
            let key = known(&name, &place)?;
            let text = plain(&value).ok_or_else(|| ConfigError::NotPlain { key: key.name, place: place.clone() })?;
            self.add(key, text, origin.clone());
        }
        Ok(())
    }
}

fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

fn known(name: &str, place: &str) -> Result<&'static Key, ConfigError> {
    KEYS.iter().find(|key| key.name == name).ok_or_else(|| ConfigError::UnknownKey {
        key: name.to_owned(),
        place: place.to_owned(),
        nearest: nearest(name, KEYS.iter().map(|key| key.name)).unwrap_or("listen").to_owned(),
    })
}

pub(super) fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    among
        .map(|each| (strsim::jaro_winkler(name, each), each))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, each)| each)
}

/// A value as the text that a variable would have; tables have none.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Array(values) => Some(values.iter().map(plain).collect::<Option<Vec<_>>>()?.join(",")),
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

/// Variables with our prefix that mean nothing, each with the one that may have been meant.
pub(crate) fn unknown_variables(environment: &Environment) -> Vec<(String, String)> {
    let variables: Vec<String> = KEYS.iter().map(|key| variable_of(key.name)).collect();
    let known = || variables.iter().map(String::as_str).chain(CLIENT_VARIABLES.iter().copied());
    let for_tests = |name: &str| TEST_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let unknown = environment.names().filter(|name| !known().any(|each| each == *name) && !for_tests(name));
    unknown.filter_map(|name| Some((name.to_owned(), nearest(name, known())?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_in_the_file_of_defaults_and_the_other_way_round() {
        let (settings, _) = DEFAULTS.split_once("# [[tenants]]").expect("the tenants come last");
        let lines = settings.lines().map(|line| line.trim_start_matches("# "));
        let words = lines.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key);
        let documented: Vec<&str> = words.filter(|key| !key.contains(' ')).collect();
        let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(documented, keys);
    }

    #[test]
    fn every_variable_is_documented() {
        let document = include_str!("../../../../docs/configuration.md");
        for key in KEYS {
            let variable = format!("`{}`", variable_of(key.name));
            assert!(document.contains(&variable), "{variable} is missing in docs/configuration.md");
        }
    }

    #[test]
    fn a_misspelt_variable_is_noticed() {
        let environment =
            Environment::of(&[("HEADWATER_LISTN", "x"), ("HEADWATER_URL", "x"), ("HEADWATER_TEST_NODE", "1")]);
        assert_eq!(unknown_variables(&environment), [("HEADWATER_LISTN".into(), "HEADWATER_LISTEN".into())]);
    }
}
