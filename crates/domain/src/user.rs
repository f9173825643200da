//! A user: the document that is stored, answered, and carried by the events about it.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::connection::Strategy;
use crate::ids::UserId;

/// A JSON object whose members its owner chose.
pub type Metadata = Map<String, Value>;

/// A user. One shape serves the store, the API's answers and `data.object` of events (event-types.md);
/// there is no password in it, because Headwater signs nobody in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// `auth0|…` for a database user.
    pub user_id: UserId,
    /// Lower case; unique in its connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Absent where there is no e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Unique in its connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `+` and up to 15 digits; unique in its connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Absent where there is no phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_verified: Option<bool>,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Full name; the e-mail address unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The local part of the e-mail address unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// A URL; a Gravatar unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// What the user may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_metadata: Option<Metadata>,
    /// What only applications may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_metadata: Option<Metadata>,
    /// Whether the user may not sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
    /// The primary identity first.
    pub identities: Vec<Identity>,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user was last changed.
    pub updated_at: Timestamp,
}

/// Where a user comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The connection's name.
    pub connection: String,
    /// The id within the connection.
    pub user_id: String,
    /// The connection's strategy.
    pub provider: String,
    /// Whether the provider is a social one.
    #[serde(rename = "isSocial")]
    pub is_social: bool,
    /// What the user was, whose only identity this was before it was linked.
    #[serde(rename = "profileData", default, skip_serializing_if = "Option::is_none")]
    pub profile_data: Option<Box<ProfileData>>,
}

impl Identity {
    /// The id of the user whose only identity this is, or was.
    pub fn own_user_id(&self) -> UserId {
        UserId::from_text(format!("{}|{}", self.provider, self.user_id))
    }
}

/// What is kept of a user who became an identity of another: all but their metadata.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProfileData {
    /// See [`User::email`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// See [`User::email_verified`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// See [`User::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// See [`User::nickname`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// See [`User::picture`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// See [`User::username`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// See [`User::given_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// See [`User::family_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// See [`User::phone_number`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// See [`User::phone_verified`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_verified: Option<bool>,
}

/// A user's members as a caller gives them, each checked for its form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserProfile {
    /// See [`User::email`].
    pub email: Option<String>,
    /// See [`User::email_verified`].
    pub email_verified: Option<bool>,
    /// See [`User::username`].
    pub username: Option<String>,
    /// See [`User::phone_number`].
    pub phone_number: Option<String>,
    /// See [`User::phone_verified`].
    pub phone_verified: Option<bool>,
    /// See [`User::given_name`].
    pub given_name: Option<String>,
    /// See [`User::family_name`].
    pub family_name: Option<String>,
    /// See [`User::name`].
    pub name: Option<String>,
    /// See [`User::nickname`].
    pub nickname: Option<String>,
    /// See [`User::picture`].
    pub picture: Option<String>,
    /// See [`User::user_metadata`].
    pub user_metadata: Option<Metadata>,
    /// See [`User::app_metadata`].
    pub app_metadata: Option<Metadata>,
    /// See [`User::blocked`].
    pub blocked: Option<bool>,
}

impl User {
    /// A user of this identity, of whom nothing else is known.
    pub fn of_identity(identity: Identity, now: Timestamp) -> Self {
        Self {
            user_id: identity.own_user_id(),
            email: None,
            email_verified: None,
            username: None,
            phone_number: None,
            phone_verified: None,
            given_name: None,
            family_name: None,
            name: None,
            nickname: None,
            picture: None,
            user_metadata: None,
            app_metadata: None,
            blocked: None,
            identities: vec![identity],
            created_at: now,
            updated_at: now,
        }
    }

    /// A user of the database connection `connection`.
    pub fn of_database(connection: &str, local_id: String, profile: UserProfile, now: Timestamp) -> Self {
        Self::of_connection(connection, Strategy::DATABASE, local_id, profile, now)
    }

    /// A user of the connection `connection`, whose strategy this is.
    pub fn of_connection(
        connection: &str,
        strategy: Strategy,
        local_id: String,
        profile: UserProfile,
        now: Timestamp,
    ) -> Self {
        let identity = Identity {
            connection: connection.to_owned(),
            user_id: local_id,
            provider: strategy.name().to_owned(),
            is_social: false,
            profile_data: None,
        };
        let email = profile.email.map(|email| email.to_lowercase());
        let mut user = Self {
            email_verified: email.as_ref().map(|_| profile.email_verified.unwrap_or(false)),
            email,
            username: profile.username,
            phone_verified: profile.phone_number.as_ref().map(|_| profile.phone_verified.unwrap_or(false)),
            phone_number: profile.phone_number,
            given_name: profile.given_name,
            family_name: profile.family_name,
            name: profile.name,
            nickname: profile.nickname,
            picture: profile.picture,
            user_metadata: profile.user_metadata,
            app_metadata: profile.app_metadata,
            blocked: profile.blocked,
            ..Self::of_identity(identity, now)
        };
        user.complete();
        user
    }

    /// Gives a user the name, nickname and picture that follow from the rest, where there are none.
    pub fn complete(&mut self) {
        let email = self.email.as_deref();
        let local_part = email.and_then(|email| email.rsplit_once('@')).map(|(local, _)| local.to_owned());
        let fallback = self.username.clone().or_else(|| self.phone_number.clone());
        let picture = self.picture.take().or_else(|| email.map(gravatar));
        self.name = self.name.take().or_else(|| self.email.clone()).or_else(|| fallback.clone());
        self.nickname = self.nickname.take().or(local_part).or(fallback);
        self.picture = picture;
    }

    /// The user after `patch`: members given replace those here; metadata is merged on its first level,
    /// where `null` removes a key and `{}` clears (management-api.md 6.1).
    #[must_use]
    pub fn patched(&self, patch: UserProfile) -> Self {
        let mut user = self.clone();
        let replace = |member: &mut Option<String>, given: Option<String>| {
            if given.is_some() {
                *member = given;
            }
        };
        replace(&mut user.email, patch.email.map(|email| email.to_lowercase()));
        replace(&mut user.username, patch.username);
        replace(&mut user.phone_number, patch.phone_number);
        replace(&mut user.given_name, patch.given_name);
        replace(&mut user.family_name, patch.family_name);
        replace(&mut user.name, patch.name);
        replace(&mut user.nickname, patch.nickname);
        replace(&mut user.picture, patch.picture);
        // A new address or number has not been verified by the old one's check.
        if user.email != self.email {
            user.email_verified = Some(false);
        }
        if user.phone_number != self.phone_number {
            user.phone_verified = Some(false);
        }
        user.email_verified = patch.email_verified.or(user.email_verified);
        user.phone_verified = patch.phone_verified.or(user.phone_verified);
        user.blocked = patch.blocked.or(user.blocked);
        merge_metadata(&mut user.user_metadata, patch.user_metadata);
        merge_metadata(&mut user.app_metadata, patch.app_metadata);
        user
    }

    /// What is kept of the user when they become an identity of another.
    fn profile_data(&self) -> ProfileData {
        let user = self.clone();
        ProfileData {
            email: user.email,
            email_verified: user.email_verified,
            name: user.name,
            nickname: user.nickname,
            picture: user.picture,
            username: user.username,
            given_name: user.given_name,
            family_name: user.family_name,
            phone_number: user.phone_number,
            phone_verified: user.phone_verified,
        }
    }

    /// The user with the identities of `secondary` too, each with what its user was.
    #[must_use]
    pub fn linked(&self, secondary: &Self) -> Self {
        let mut user = self.clone();
        let mut identities = secondary.identities.clone();
        if let Some(first) = identities.first_mut() {
            first.profile_data = Some(Box::new(secondary.profile_data()));
        }
        user.identities.extend(identities);
        user
    }

    /// The user without an identity that is not the primary one, and the user whose only identity that is now.
    pub fn unlinked(&self, provider: &str, local_id: &str, now: Timestamp) -> Option<(Self, Self)> {
        let is_meant = |identity: &Identity| identity.provider == provider && identity.user_id == local_id;
        let at = self.identities.iter().skip(1).position(is_meant)? + 1;
        let mut user = self.clone();
        let mut identity = user.identities.remove(at);
        let profile = identity.profile_data.take().unwrap_or_default();
        let separate = Self {
            email: profile.email,
            email_verified: profile.email_verified,
            username: profile.username,
            phone_number: profile.phone_number,
            phone_verified: profile.phone_verified,
            given_name: profile.given_name,
            family_name: profile.family_name,
            name: profile.name,
            nickname: profile.nickname,
            picture: profile.picture,
            ..Self::of_identity(identity, now)
        };
        Some((user, separate))
    }

    /// The name of the primary identity's connection.
    pub fn connection(&self) -> &str {
        self.identities.first().map_or("", |identity| identity.connection.as_str())
    }
}

fn merge_metadata(current: &mut Option<Metadata>, given: Option<Metadata>) {
    let Some(given) = given else { return };
    if given.is_empty() {
        *current = current.take().map(|_| Metadata::new());
        return;
    }
    let merged = current.get_or_insert_default();
    for (key, value) in given {
        if value.is_null() {
            merged.remove(&key);
        } else {
            merged.insert(key, value);
        }
    }
}

fn gravatar(email: &str) -> String {
    let hash: String = Md5::digest(email.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let initials: String = email.chars().filter(char::is_ascii_alphanumeric).take(2).collect::<String>().to_lowercase();
    format!("https://s.gravatar.com/avatar/{hash}?s=480&r=pg&d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2F{initials}.png")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(value: &Value) -> Option<Metadata> {
        value.as_object().cloned()
    }

    fn jane() -> User {
        let profile = UserProfile {
            email: Some("Jane@Example.com".into()),
            user_metadata: metadata(&json!({"a": 1, "b": {"c": 2}})),
            ..UserProfile::default()
        };
        User::of_database("db", "63d1".into(), profile, Timestamp::from_millis(0))
    }

    #[test]
    fn defaults_follow_the_contract() {
        let user = jane();
        assert_eq!(user.email.as_deref(), Some("jane@example.com"));
        assert_eq!(user.name.as_deref(), Some("jane@example.com"));
        assert_eq!(user.nickname.as_deref(), Some("jane"));
        assert_eq!(user.email_verified, Some(false));
        assert_eq!(user.user_id.as_str(), "auth0|63d1");
        assert!(user.picture.unwrap().starts_with("https://s.gravatar.com/avatar/9e26471d35a78862c17e467d87cddedf?"));
    }

    #[test]
    fn metadata_is_merged_on_its_first_level() {
        let patch = |given: Value| UserProfile { user_metadata: metadata(&given), ..UserProfile::default() };
        let merged = jane().patched(patch(json!({"a": null, "b": {"d": 3}})));
        assert_eq!(merged.user_metadata, metadata(&json!({"b": {"d": 3}})));
        assert_eq!(merged.patched(patch(json!({}))).user_metadata, metadata(&json!({})));
    }

    #[test]
    fn a_new_address_is_not_verified() {
        let verified = jane().patched(UserProfile { email_verified: Some(true), ..UserProfile::default() });
        let moved = verified.patched(UserProfile { email: Some("j@example.com".into()), ..UserProfile::default() });
        assert_eq!(moved.email_verified, Some(false));
    }
}
