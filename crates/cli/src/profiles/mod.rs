//! Profiles: the servers that somebody has logged in to, kept under names.
//!
//! [`Profiles`] is what the file says and what may become of it; [`ProfileFile`] reads and writes it; the
//! system's keyring ([`keyring`]) keeps the secrets where there is one; [`choose`] says which server a command
//! means, and as whom.

mod choose;
mod file;
mod folder;
mod kept;
pub mod keyring;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use domain::clock::Timestamp;
use domain::secret::Secret;
use serde::{Deserialize, Serialize};

pub(crate) use choose::known;
pub use choose::{By, Chosen, NoServer, Variables, choose};
pub use file::{FileError, ProfileFile};
pub use folder::folder;
pub use kept::KeptApplication;

const NAME_CHARS_MAX: usize = 100;

/// The name of a profile: what `--profile` takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

/// A text that names no profile.
#[derive(Debug, thiserror::Error)]
#[error("expected a profile's name: 1 to {NAME_CHARS_MAX} letters, digits and . _ : @ - after a letter or digit")]
pub struct NotAName;

impl ProfileName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NotAName`]
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let allowed = |each: char| each.is_alphanumeric() || "._:@-".contains(each);
        let fits = text.chars().all(allowed) && text.chars().count() <= NAME_CHARS_MAX;
        let begins_well = text.starts_with(char::is_alphanumeric);
        if fits && begins_well { Ok(Self(text.to_owned())) } else { Err(NotAName) }
    }

    /// The name that a server gets if nobody says one: its domain.
    pub fn of_domain(domain: &str) -> Self {
        let allowed = |each: char| if each.is_alphanumeric() || "._:-".contains(each) { each } else { '-' };
        let text: String = domain.trim_start_matches('[').chars().map(allowed).take(NAME_CHARS_MAX).collect();
        Self::parse(&text).unwrap_or_else(|_| Self("server".into()))
    }

    /// The name that `headwater dev` keeps its profile under.
    pub fn dev() -> Self {
        Self("dev".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ProfileName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ProfileName {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, NotAName> {
        Self::parse(&text)
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}

/// Who has made a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MadeBy {
    /// `headwater login`.
    #[default]
    Login,
    /// `headwater dev`, for as long as it runs; the next one replaces it.
    Dev,
}

/// A server, and the application that commands are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The server's public URL, without a slash at its end.
    pub url: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret, unless the system's keyring has it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_secret")]
    pub client_secret: Option<Secret>,
    /// A file of further authorities that the server's certificate may come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_ca: Option<PathBuf>,
    /// Who has made it.
    #[serde(default)]
    pub made_by: MadeBy,
    /// The last access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<KeptToken>,
}

impl Profile {
    /// Whether the secret is in the system's keyring.
    pub const fn is_in_keyring(&self) -> bool {
        self.client_secret.is_none()
    }

    /// Whether the keyring keeps the secrets of both in the same place.
    pub fn shares_secret_with(&self, other: &Self) -> bool {
        other.is_in_keyring() && self.is_same_application(other)
    }

    /// Whether a token of the other one holds here too.
    fn is_same_application(&self, other: &Self) -> bool {
        self.url == other.url && self.client_id == other.client_id
    }
}

/// An access token, for as long as it may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptToken {
    /// The token.
    #[serde(with = "secret_text")]
    pub access_token: Secret,
    /// From when on it is not used any more, somewhat before the server refuses it.
    pub expires_at: Timestamp,
}

/// All profiles, and which one is meant if nobody says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profiles {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<ProfileName>,
    #[serde(default)]
    profiles: BTreeMap<ProfileName, Profile>,
}

impl Profiles {
    /// One of them.
    pub fn get(&self, name: &ProfileName) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// The one that is meant if nobody says.
    pub fn default_profile(&self) -> Option<(&ProfileName, &Profile)> {
        self.default.as_ref().and_then(|name| self.profiles.get_key_value(name))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ProfileName, &Profile)> {
        self.profiles.iter()
    }

    /// Keeps a profile that somebody has logged in with, and makes it the default.
    pub fn log_in(&mut self, name: ProfileName, profile: Profile) {
        self.default = Some(name.clone());
        self.profiles.insert(name, profile);
    }

    /// Keeps the profile of `headwater dev`; what somebody has chosen stays the default. Answers whether the
    /// default is this one now.
    pub fn keep_dev(&mut self, mut profile: Profile) -> bool {
        let name = ProfileName::dev();
        if let Some(former) = self.profiles.remove(&name).filter(|former| former.is_same_application(&profile)) {
            profile.token = former.token;
        }
        profile.made_by = MadeBy::Dev;
        if self.default_profile().is_none_or(|(_, default)| default.made_by == MadeBy::Dev) {
            self.default = Some(name.clone());
        }
        self.profiles.insert(name.clone(), profile);
        self.default.as_ref() == Some(&name)
    }

    /// Makes one the default; answers whether there is such a one.
    pub fn make_default(&mut self, name: &ProfileName) -> bool {
        let known = self.profiles.contains_key(name);
        if known {
            self.default = Some(name.clone());
        }
        known
    }

    /// Removes one; if it was the default and just one is left, that is the default now.
    pub fn remove(&mut self, name: &ProfileName) -> Option<Profile> {
        let removed = self.profiles.remove(name)?;
        if self.default.as_ref() == Some(name) {
            let only = (self.profiles.len() == 1).then(|| self.profiles.keys().next().cloned());
            self.default = only.flatten();
        }
        Some(removed)
    }

    /// Keeps a token with the profile that it was got for, if that is still the same application.
    fn keep_token(&mut self, name: &ProfileName, url: &str, client_id: &str, token: Option<KeptToken>) {
        let profile = self.profiles.get_mut(name);
        if let Some(profile) = profile.filter(|profile| profile.url == url && profile.client_id == client_id) {
            profile.token = token;
        }
    }
}

mod secret_text {
    use domain::secret::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

mod optional_secret {
    use domain::secret::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_some(secret.expose()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProfileName {
        ProfileName::parse(text).unwrap()
    }

    fn profile(url: &str) -> Profile {
        Profile {
            url: url.into(),
            client_id: "id".into(),
            client_secret: Some(Secret::new("s3cret")),
            extra_ca: None,
            made_by: MadeBy::Login,
            token: None,
        }
    }

    fn token() -> KeptToken {
        KeptToken { access_token: Secret::new("t0ken"), expires_at: Timestamp::from_millis(1) }
    }

    fn default_of(profiles: &Profiles) -> Option<&str> {
        profiles.default_profile().map(|(name, _)| name.as_str())
    }

    #[test]
    fn names() {
        for good in ["dev", "acme.example.com:8443", "Größe_1"] {
            assert_eq!(name(good).as_str(), good);
        }
        for bad in ["", "-x", "a b", "a/b", "a\n", &"x".repeat(NAME_CHARS_MAX + 1)] {
            assert!(ProfileName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(ProfileName::of_domain("[::1]:4400").as_str(), "server");
        assert_eq!(ProfileName::of_domain("acme.example.com").as_str(), "acme.example.com");
    }

    #[test]
    fn dev_is_the_default_only_while_nobody_chose_another() {
        let mut profiles = Profiles::default();
        assert!(profiles.keep_dev(profile("http://a")));
        assert!(profiles.keep_dev(profile("http://b")), "a dev server may replace the former one");
        profiles.log_in(name("acme"), profile("https://acme"));
        assert!(!profiles.keep_dev(profile("http://c")));
        assert_eq!(default_of(&profiles), Some("acme"));
        assert_eq!(profiles.get(&name("dev")).unwrap().url, "http://c");
    }

    #[test]
    fn a_restarted_dev_server_keeps_the_token_of_the_same_application_only() {
        let mut profiles = Profiles::default();
        profiles.keep_dev(Profile { token: Some(token()), ..profile("http://a") });
        profiles.keep_dev(profile("http://a"));
        assert_eq!(profiles.get(&name("dev")).unwrap().token, Some(token()));
        profiles.keep_dev(Profile { client_id: "other".into(), ..profile("http://a") });
        assert_eq!(profiles.get(&name("dev")).unwrap().token, None);
    }

    #[test]
    fn what_remains_after_removing_the_default() {
        let mut profiles = Profiles::default();
        for each in ["a", "b", "c"] {
            profiles.log_in(name(each), profile("https://x"));
        }
        assert!(profiles.remove(&name("c")).is_some());
        assert_eq!(default_of(&profiles), None, "of two left, nobody has chosen one");
        assert!(profiles.make_default(&name("a")));
        assert!(!profiles.make_default(&name("c")));
        profiles.remove(&name("a"));
        assert_eq!(default_of(&profiles), Some("b"));
        assert!(profiles.remove(&name("a")).is_none());
    }

    #[test]
    fn a_token_is_kept_for_the_application_it_was_got_for() {
        let mut profiles = Profiles::default();
        profiles.log_in(name("a"), profile("https://x"));
        profiles.keep_token(&name("a"), "https://elsewhere", "id", Some(token()));
        assert_eq!(profiles.get(&name("a")).unwrap().token, None);
        profiles.keep_token(&name("a"), "https://x", "id", Some(token()));
        assert_eq!(profiles.get(&name("a")).unwrap().token, Some(token()));
    }

    #[test]
    fn nothing_printed_shows_a_secret() {
        let shown = format!("{:?}", Profile { token: Some(token()), ..profile("https://x") });
        assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
    }
}
