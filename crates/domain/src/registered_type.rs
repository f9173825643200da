//! Types of events that a tenant has registered beside the catalogue's, for what it publishes of its own.

use std::fmt;

use serde_json::Value;

use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::ids::RegisteredTypeId;

/// How many types a tenant may have registered.
pub const REGISTERED_TYPES_MAX: u32 = 200;

/// The longest name.
const NAME_CHARS_MAX: usize = 128;

/// First words of a name that are not for tenants: what the catalogue's types are about, which may come to have
/// more types, and what the server says of itself.
const FIRST_WORDS_RESERVED: [&str; 6] = ["user", "organization", "group", "connection", "headwater", "auth0"];

/// The name of a registered type: at least two words of lower-case letters, digits, `_` and `-`, with dots between
/// them, as in `com.example.invoice.paid`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeName(Box<str>);

/// Why a text cannot be the name of a registered type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeNameError {
    /// It is not of the form.
    #[error(
        "expected 3 to 128 characters: words of lower-case letters, digits, _ and -, with dots between them, such as \
         com.example.invoice.paid"
    )]
    Malformed,
    /// It begins with a word that is not for tenants.
    #[error("names that begin with {0} are reserved; begin with your own domain, such as com.example")]
    Reserved(&'static str),
}

impl TypeName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`TypeNameError`], which says what to mend.
    pub fn parse(text: &str) -> Result<Self, TypeNameError> {
        let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_word = |word: &str| {
            let bytes = word.as_bytes();
            bytes.iter().all(|byte| is_end(*byte) || matches!(byte, b'_' | b'-'))
                && bytes.first().is_some_and(|byte| is_end(*byte))
                && bytes.last().is_some_and(|byte| is_end(*byte))
        };
        let (first, _) = text.split_once('.').ok_or(TypeNameError::Malformed)?;
        if text.len() > NAME_CHARS_MAX || !text.split('.').all(is_word) {
            return Err(TypeNameError::Malformed);
        }
        match FIRST_WORDS_RESERVED.into_iter().find(|reserved| *reserved == first) {
            Some(reserved) => Err(TypeNameError::Reserved(reserved)),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a tenant says of a type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeDefinition {
    /// Unique in the tenant; it never changes.
    pub name: TypeName,
    /// When such events are raised.
    pub description: String,
    /// The JSON Schema of the `data` of such events.
    pub schema: Value,
    /// `data` of one, as an example.
    pub example: Option<Value>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A registered type.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisteredType {
    /// Its number.
    pub id: RegisteredTypeId,
    /// What its tenant says of it.
    pub definition: TypeDefinition,
}

impl RegisteredType {
    /// The type as events and streams have it.
    pub const fn event_type(&self) -> EventType {
        EventType::Registered(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_words_with_dots_between_them() {
        for name in ["com.example.invoice.paid", "a.b", "x-1.y_2", "com.headwater.user"] {
            assert_eq!(TypeName::parse(name).map(|name| name.to_string()), Ok(name.to_owned()));
        }
        let long = format!("a.{}", "b".repeat(NAME_CHARS_MAX));
        for name in ["", "invoice", "a.", ".a", "a..b", "A.b", "a.b c", "a.-b", "a.b_", "a.ü", "#1.x", "a/b.c", &long]
        {
            assert_eq!(TypeName::parse(name), Err(TypeNameError::Malformed), "{name}");
        }
    }

    #[test]
    fn names_that_could_be_taken_for_others_are_reserved() {
        for event_type in EventType::ALL {
            let name = event_type.name().unwrap();
            assert!(matches!(TypeName::parse(name), Err(TypeNameError::Reserved(_))), "{name}");
        }
        assert_eq!(TypeName::parse("headwater.stream.failing"), Err(TypeNameError::Reserved("headwater")));
    }
}
