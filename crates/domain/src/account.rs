//! Who may call: tenants, applications (clients) and what they are granted.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{ClientId, GrantId, TenantId};
use crate::secret::Secret;

/// The name of the tenant that a first start makes.
pub const DEFAULT_TENANT: &str = "default";

/// The name under which the Management API is listed.
pub const MANAGEMENT_API_NAME: &str = "Auth0 Management API";

/// The grant type that machine-to-machine applications use.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// The name of a tenant: 3 to 63 lower-case letters, digits and hyphens, with a letter or a digit at both ends.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TenantName(String);

/// A text that cannot be the name of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("3 to 63 lower-case letters, digits and hyphens, with a letter or a digit at both ends")]
pub struct MalformedTenantName;

impl TenantName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`MalformedTenantName`], which says what a name is.
    pub fn parse(text: &str) -> Result<Self, MalformedTenantName> {
        let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (3..=63).contains(&text.len())
            && text.bytes().all(is_known)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_name { Ok(Self(text.to_owned())) } else { Err(MalformedTenantName) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its number in the store.
    pub id: TenantId,
    /// 3 to 63 lower-case letters, digits and hyphens; `a0tenant` of its events.
    pub name: String,
}

/// The hash of an application's secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// Takes the encoded hash as the hashing code writes it.
    pub fn from_encoded(encoded: impl Into<String>) -> Self {
        Self(encoded.into())
    }

    /// The encoded hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(***)")
    }
}

/// An application's secret: what one that is given is checked by, and the secret itself for those who may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// Its hash.
    pub hash: SecretHash,
    /// The secret; `None` of an application made before it was kept, until it is rotated.
    pub kept: Option<Secret>,
}

impl ClientSecret {
    /// A secret with its hash.
    pub fn new(hash: SecretHash, secret: Secret) -> Self {
        Self { hash, kept: Some(secret) }
    }
}

/// An application.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Its public id.
    pub id: ClientId,
    /// Its secret.
    pub secret: ClientSecret,
    /// Every other member as it was given: `name`, `grant_types`, `client_metadata` and whatever else a
    /// client of the contract sends (management-api.md 6.6: "accept and store unknown members").
    pub settings: Map<String, Value>,
}

impl Client {
    /// Its name.
    pub fn name(&self) -> &str {
        self.settings.get("name").and_then(Value::as_str).unwrap_or("")
    }

    /// Whether it may get tokens by `grant_type`.
    pub fn may_use_grant_type(&self, grant_type: &str) -> bool {
        let given = self.settings.get("grant_types").and_then(Value::as_array);
        given.is_some_and(|types| types.iter().any(|each| each.as_str() == Some(grant_type)))
    }

    /// Its `client_metadata`, empty unless given.
    pub fn metadata(&self) -> Map<String, Value> {
        self.settings.get("client_metadata").and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

/// What an application may do with an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientGrant {
    /// `cgr_…`
    pub id: GrantId,
    /// The application.
    pub client_id: ClientId,
    /// The API's identifier.
    pub audience: String,
    /// The permissions, in the order given.
    pub scope: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tenants() {
        for name in ["abc", DEFAULT_TENANT, "a-1", "1-a", &"x".repeat(63)] {
            assert_eq!(TenantName::parse(name).map(|name| name.as_str().to_owned()), Ok(name.to_owned()));
        }
        for name in ["", "ab", "Abc", "a_b", "a.b", "-ab", "ab-", "äbc", &"x".repeat(64)] {
            assert_eq!(TenantName::parse(name), Err(MalformedTenantName), "{name}");
        }
    }
}
