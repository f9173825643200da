//! A user as SCIM has it, beside the user that it is.

use std::fmt;

use serde_json::Value;

use super::{ScimConfiguration, ScimDocument, ScimFault, ScimPath};
use crate::clock::{Entropy, Timestamp};
use crate::connection::Connection;
use crate::ids::{ConnectionId, UserId, object_id};
use crate::user::{Identity, User};

/// The longest text of those that users are found by.
const CHARS_MAX: usize = 255;

/// The id of a resource: 24 hexadecimal digits; later ones sort later.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ScimUserId(String);

impl ScimUserId {
    /// A new id.
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self(object_id(now, entropy))
    }

    /// Takes an id as it stands; an unknown one is found nowhere.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScimUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A user as SCIM has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimUser {
    /// The resource's id.
    pub id: ScimUserId,
    /// The connection that the user is of.
    pub connection_id: ConnectionId,
    /// The user that this is.
    pub user_id: UserId,
    /// What the provider said of the user.
    pub document: ScimDocument,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

fn text_of<'a>(document: &'a ScimDocument, name: &str) -> Option<&'a str> {
    document.get(name).and_then(Value::as_str)
}

/// Checks what every user must have, and what users are found by.
///
/// # Errors
/// [`ScimFault`] that names the attribute.
pub(super) fn check(document: &ScimDocument) -> Result<(), ScimFault> {
    if text_of(document, "userName").is_none_or(|name| name.trim().is_empty()) {
        return Err(ScimFault::value("userName is required: a text that is not empty"));
    }
    for name in ["userName", "externalId"] {
        match document.get(name) {
            Some(Value::String(text)) if text.chars().count() > CHARS_MAX => {
                return Err(ScimFault::value(format!("{name} has at most {CHARS_MAX} characters")));
            }
            None | Some(Value::String(_)) => {}
            Some(_) => return Err(ScimFault::value(format!("{name} must be a text"))),
        }
    }
    if document.get("active").is_some_and(|active| !active.is_boolean()) {
        return Err(ScimFault::value("active must be true or false"));
    }
    let emails = document.get("emails");
    if emails.is_some_and(|emails| !emails.as_array().is_some_and(|emails| emails.iter().all(Value::is_object))) {
        return Err(ScimFault::value("emails must be a list of objects"));
    }
    Ok(())
}

impl ScimUser {
    /// A new user of `connection`, both as SCIM has it and as everybody else does: the id is the strategy, the
    /// connection's name and the attribute that the configuration names.
    ///
    /// # Errors
    /// [`ScimFault`] if something that is needed is missing or does not have its form.
    pub fn new(
        connection: &Connection,
        configuration: &ScimConfiguration,
        document: ScimDocument,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(Self, User), ScimFault> {
        check(&document)?;
        let local_id = local_id(&configuration.user_id_attribute, &document)?;
        let identity = Identity {
            connection: connection.name.clone(),
            user_id: format!("{}|{local_id}", connection.name),
            provider: connection.strategy.name().to_owned(),
            is_social: false,
            profile_data: None,
        };
        let mut user = User::of_identity(identity, now);
        configuration.mapping.apply(&document, &mut user);
        let scim_user = Self {
            id: ScimUserId::generate(now, entropy),
            connection_id: connection.id.clone(),
            user_id: user.user_id.clone(),
            document,
            created_at: now,
            updated_at: now,
        };
        Ok((scim_user, user))
    }

    /// The user with another document.
    ///
    /// # Errors
    /// [`ScimFault`] if something that is needed is missing or does not have its form.
    pub fn with_document(&self, document: ScimDocument, now: Timestamp) -> Result<Self, ScimFault> {
        check(&document)?;
        Ok(Self { document, updated_at: now, ..self.clone() })
    }

    /// The name that users of a connection are told apart by, without case.
    pub fn user_name(&self) -> String {
        text_of(&self.document, "userName").unwrap_or_default().to_lowercase()
    }

    /// The provider's own id of the user.
    pub fn external_id(&self) -> Option<&str> {
        text_of(&self.document, "externalId")
    }

    /// The primary e-mail address, or the first, without case.
    pub fn email(&self) -> Option<String> {
        let path = ScimPath::parse("emails[primary eq true].value").expect("this is an attribute path");
        path.value(&self.document).and_then(Value::as_str).map(str::to_lowercase)
    }
}

fn local_id(attribute: &ScimPath, document: &ScimDocument) -> Result<String, ScimFault> {
    let is_fit = |text: &&str| {
        let length = text.chars().count();
        (1..=CHARS_MAX).contains(&length) && !text.chars().any(|each| each.is_control() || each.is_whitespace())
    };
    let value = attribute.value(document).and_then(Value::as_str).filter(is_fit);
    value.map(str::to_owned).ok_or_else(|| {
        ScimFault::value(format!(
            "{attribute} is required, because it makes the user's id: 1 to {CHARS_MAX} characters without spaces"
        ))
    })
}
