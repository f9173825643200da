//! Which attributes of a SCIM user become which members of the user's profile.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ScimDocument, ScimPath};
use crate::user::{Metadata, User};
use crate::user_form::{is_email, is_event_username, is_phone, is_uri};

/// A member of a user that an attribute can become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `email`
    Email,
    /// `email_verified`
    EmailVerified,
    /// `username`
    Username,
    /// `phone_number`
    PhoneNumber,
    /// `given_name`
    GivenName,
    /// `family_name`
    FamilyName,
    /// `name`
    Name,
    /// `nickname`
    Nickname,
    /// `picture`
    Picture,
    /// `blocked`; what `active` says is turned round.
    Blocked,
    /// `user_metadata.…`
    UserMetadata(String),
    /// `app_metadata.…`
    AppMetadata(String),
}

impl Target {
    /// The member with this name, if it is one that an attribute can become.
    pub fn from_name(name: &str) -> Option<Self> {
        let member = |prefix: &str| {
            let member = name.strip_prefix(prefix)?;
            (!member.is_empty() && !member.contains('.')).then(|| member.to_owned())
        };
        Some(match name {
            "email" => Self::Email,
            "email_verified" => Self::EmailVerified,
            "username" => Self::Username,
            "phone_number" => Self::PhoneNumber,
            "given_name" => Self::GivenName,
            "family_name" => Self::FamilyName,
            "name" => Self::Name,
            "nickname" => Self::Nickname,
            "picture" => Self::Picture,
            "blocked" => Self::Blocked,
            _ => member("user_metadata.")
                .map(Self::UserMetadata)
                .or_else(|| member("app_metadata.").map(Self::AppMetadata))?,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email => f.write_str("email"),
            Self::EmailVerified => f.write_str("email_verified"),
            Self::Username => f.write_str("username"),
            Self::PhoneNumber => f.write_str("phone_number"),
            Self::GivenName => f.write_str("given_name"),
            Self::FamilyName => f.write_str("family_name"),
            Self::Name => f.write_str("name"),
            Self::Nickname => f.write_str("nickname"),
            Self::Picture => f.write_str("picture"),
            Self::Blocked => f.write_str("blocked"),
            Self::UserMetadata(member) => write!(f, "user_metadata.{member}"),
            Self::AppMetadata(member) => write!(f, "app_metadata.{member}"),
        }
    }
}

/// One attribute and what it becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct MappingItem {
    /// What it becomes.
    pub target: Target,
    /// The attribute.
    pub path: ScimPath,
}

/// What becomes of a user's attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimMapping(Vec<MappingItem>);

/// As it is written: `auth0` is the member of the user, `scim` the attribute.
#[derive(Serialize, Deserialize)]
struct WrittenItem {
    auth0: String,
    scim: String,
}

const DEFAULT: &[(&str, &str)] = &[
    ("blocked", "active"),
    ("app_metadata.external_id", "externalId"),
    ("username", "userName"),
    ("name", "displayName"),
    ("given_name", "name.givenName"),
    ("family_name", "name.familyName"),
    ("nickname", "nickName"),
    ("email", "emails[primary eq true].value"),
    ("picture", "photos[primary eq true].value"),
];

impl Default for ScimMapping {
    fn default() -> Self {
        let item = |(target, path): &(&str, &str)| MappingItem {
            target: Target::from_name(target).expect("each is a member of a user"),
            path: ScimPath::parse(path).expect("each is an attribute path"),
        };
        Self(DEFAULT.iter().map(item).collect())
    }
}

impl ScimMapping {
    /// A mapping of these.
    pub fn new(items: Vec<MappingItem>) -> Self {
        Self(items)
    }

    /// What it consists of.
    pub fn items(&self) -> &[MappingItem] {
        &self.0
    }

    /// Gives `user` what this says of the attributes in `document`. A member whose attribute is not there is taken
    /// away, and so is one whose attribute does not have the form that a user's must have: the provider's resource
    /// keeps it all the same.
    pub fn apply(&self, document: &ScimDocument, user: &mut User) {
        let email = user.email.clone();
        for item in &self.0 {
            item.apply(document, user);
        }
        // A new address has not been verified by the old one's check.
        let says_verified = self.0.iter().any(|item| item.target == Target::EmailVerified);
        if user.email != email && !says_verified {
            user.email_verified = user.email.is_some().then_some(false);
        }
        user.complete();
    }
}

impl MappingItem {
    fn apply(&self, document: &ScimDocument, user: &mut User) {
        let value = self.path.value(document);
        let text = |fits: fn(&str) -> bool| value.and_then(Value::as_str).filter(|text| fits(text)).map(str::to_owned);
        let flag = value.and_then(Value::as_bool);
        match &self.target {
            Target::Email => user.email = text(is_email).map(|email| email.to_lowercase()),
            Target::EmailVerified => user.email_verified = flag,
            Target::Username => user.username = text(is_event_username),
            Target::PhoneNumber => {
                user.phone_number = value.and_then(Value::as_str).and_then(phone_number);
                user.phone_verified = user.phone_number.as_ref().map(|_| false);
            }
            Target::GivenName => user.given_name = text(|text| is_short(text, 150)),
            Target::FamilyName => user.family_name = text(|text| is_short(text, 150)),
            Target::Name => user.name = text(|text| is_short(text, 300)),
            Target::Nickname => user.nickname = text(|text| is_short(text, 300)),
            Target::Picture => user.picture = text(is_uri),
            Target::Blocked if self.path.is_of("active") => user.blocked = flag.map(|active| !active),
            Target::Blocked => user.blocked = flag,
            Target::UserMetadata(member) => set(&mut user.user_metadata, member, value),
            Target::AppMetadata(member) => set(&mut user.app_metadata, member, value),
        }
    }
}

fn is_short(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count())
}

/// A number as users have it, from the ways in which people write them: `tel:+1-201-555-0123`.
fn phone_number(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|each| each.is_ascii_digit() || *each == '+').collect();
    is_phone(&plain).then_some(plain)
}

fn set(metadata: &mut Option<Metadata>, member: &str, value: Option<&Value>) {
    match value {
        Some(value) => drop(metadata.get_or_insert_default().insert(member.to_owned(), value.clone())),
        None => {
            if let Some(metadata) = metadata {
                metadata.remove(member);
            }
        }
    }
}

impl Serialize for ScimMapping {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = |item: &MappingItem| WrittenItem { auth0: item.target.to_string(), scim: item.path.to_string() };
        serializer.collect_seq(self.0.iter().map(written))
    }
}

impl<'de> Deserialize<'de> for ScimMapping {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |item: WrittenItem| {
            let target = Target::from_name(&item.auth0).ok_or("not a member of a user")?;
            let path = ScimPath::parse(&item.scim).map_err(|_| "not an attribute path")?;
            Ok(MappingItem { target, path })
        };
        let written = Vec::<WrittenItem>::deserialize(deserializer)?;
        let items: Result<Vec<MappingItem>, &str> = written.into_iter().map(read).collect();
        items.map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;
    use crate::user::Identity;

    fn user(document: Value) -> User {
        let identity = Identity {
            connection: "corp".into(),
            user_id: "corp|7".into(),
            provider: "okta".into(),
            is_social: false,
            profile_data: None,
        };
        let mut user = User::of_identity(identity, Timestamp::from_millis(0));
        ScimMapping::default().apply(document.as_object().unwrap(), &mut user);
        user
    }

    #[test]
    fn attributes_become_members() {
        let jane = user(json!({
            "userName": "jane@x.com", "externalId": "7", "active": false, "displayName": "Jane Doe",
            "name": {"givenName": "Jane", "familyName": "Doe"}, "emails": [{"value": "Jane@X.com"}],
        }));
        assert_eq!(jane.user_id.as_str(), "okta|corp|7");
        let said = serde_json::to_value(&jane).unwrap();
        for (member, value) in [
            ("email", json!("jane@x.com")),
            ("email_verified", json!(false)),
            ("username", json!("jane@x.com")),
            ("name", json!("Jane Doe")),
            ("given_name", json!("Jane")),
            ("nickname", json!("jane")),
            ("blocked", json!(true)),
            ("app_metadata", json!({"external_id": "7"})),
        ] {
            assert_eq!(said[member], value, "{member}");
        }
    }

    #[test]
    fn what_does_not_fit_or_is_not_there_is_left_out() {
        let mut jane = user(json!({"userName": "Jané D", "emails": [{"value": "no address"}], "nickName": "j"}));
        assert_eq!((&jane.username, &jane.email, jane.nickname.as_deref()), (&None, &None, Some("j")));
        ScimMapping::default().apply(json!({"userName": "jane"}).as_object().unwrap(), &mut jane);
        assert_eq!(
            (jane.username.as_deref(), jane.nickname.as_deref(), jane.blocked),
            (Some("jane"), Some("jane"), None)
        );
        assert_eq!(phone_number("tel:+1-201-555-0123").as_deref(), Some("+12015550123"));
        assert_eq!(phone_number("201"), None);
    }

    #[test]
    fn it_is_written_and_read_again() {
        let written = serde_json::to_value(ScimMapping::default()).unwrap();
        assert_eq!(written[0], json!({"auth0": "blocked", "scim": "active"}));
        assert_eq!(serde_json::from_value::<ScimMapping>(written).unwrap(), ScimMapping::default());
        for target in ["email", "user_metadata.a", "app_metadata.a_b"] {
            assert_eq!(Target::from_name(target).unwrap().to_string(), target);
        }
        for target in ["", "user_id", "app_metadata", "app_metadata.", "user_metadata.a.b"] {
            assert_eq!(Target::from_name(target), None, "{target}");
        }
    }
}
