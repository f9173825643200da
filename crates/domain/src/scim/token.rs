//! The tokens that providers show. Only their hashes are kept.

use std::fmt;

use crate::clock::{Entropy, Timestamp};
use crate::ids::{ConnectionId, random_text};

/// What a token may allow: an HTTP method on users or on groups.
pub const SCIM_SCOPES: &[&str] = &[
    "get:users",
    "post:users",
    "put:users",
    "patch:users",
    "delete:users",
    "get:groups",
    "post:groups",
    "put:groups",
    "patch:groups",
    "delete:groups",
];

/// The length of what is random in a token's id.
const ID_CHARS: usize = 16;

/// The id of a token: `tok_` and 16 letters and digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScimTokenId(String);

impl ScimTokenId {
    /// A new random id.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(format!("tok_{}", random_text(entropy, ID_CHARS)))
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

/// The SHA-256 hash of a token. A token is random enough that no more is needed to keep it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ScimTokenHash(pub [u8; 32]);

impl fmt::Debug for ScimTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScimTokenHash(***)")
    }
}

/// A token, as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct ScimToken {
    /// Its id.
    pub id: ScimTokenId,
    /// The connection whose users and groups it is for.
    pub connection_id: ConnectionId,
    /// What it is recognised by.
    pub hash: ScimTokenHash,
    /// What it allows: some of [`SCIM_SCOPES`].
    pub scopes: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Until when it holds; for ever, if nothing is said.
    pub valid_until: Option<Timestamp>,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ScimToken {
    /// Whether it still holds.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|until| until > now)
    }

    /// Whether it allows this.
    pub fn allows(&self, scope: &str) -> bool {
        self.scopes.iter().any(|allowed| allowed == scope)
    }
}
