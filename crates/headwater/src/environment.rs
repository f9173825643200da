//! The environment, read once at the start. Nothing else in the program looks at it.

use std::collections::BTreeMap;

/// The variables that concern this program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

/// A variable that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}: expected UTF-8 text")]
pub(crate) struct NotText(String);

/// What starts the name of our own variables.
pub(crate) const PREFIX: &str = "HEADWATER_";

const FOREIGN: &[&str] =
    &["RUST_LOG", "NO_COLOR", "AUTH0_AGENT_MODE", "APPDATA", "HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];

impl Environment {
    /// Reads the process's environment.
    pub(crate) fn read() -> Result<Self, NotText> {
        let all = std::env::vars_os();
        let named = all.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let ours = named.filter(|(name, _)| name.starts_with(PREFIX) || FOREIGN.contains(&name.as_str()));
        ours.map(|(name, value)| match value.into_string() {
            Ok(text) => Ok((name, text)),
            Err(_) => Err(NotText(name)),
        })
        .collect::<Result<_, _>>()
        .map(Self)
    }

    /// An environment that holds just these.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// A variable's value; an empty one counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }

    /// The names of our own variables that are set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|name| name.starts_with(PREFIX))
    }
}
