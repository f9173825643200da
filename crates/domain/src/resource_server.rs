//! An API that tokens can be for.

use serde::{Deserialize, Serialize};

use crate::ids::ResourceServerId;
use crate::secret::Secret;
use crate::user::Metadata;

/// How tokens for an API are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// With the tenant's key pair.
    #[serde(rename = "RS256")]
    Rs256,
    /// With a secret that the API shares.
    #[serde(rename = "HS256")]
    Hs256,
}

impl SigningAlgorithm {
    /// The algorithm with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "HS256" => Some(Self::Hs256),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }
}

/// A permission of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiScope {
    /// Its name.
    pub value: String,
    /// What it permits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An API. What is serialized of it is stored and answered; the secret is kept apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceServer {
    /// 24 hexadecimal digits.
    pub id: ResourceServerId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The audience of its tokens; never changes.
    pub identifier: String,
    /// Its permissions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ApiScope>,
    /// How its tokens are signed.
    pub signing_alg: SigningAlgorithm,
    /// What they are signed with, if it is a secret.
    #[serde(skip)]
    pub signing_secret: Option<Secret>,
    /// Whether refresh tokens could be issued for it.
    pub allow_offline_access: bool,
    /// For how many seconds its tokens hold.
    pub token_lifetime: u64,
    /// For how many seconds tokens of browsers would.
    pub token_lifetime_for_web: u64,
    /// Whether consent would be skipped.
    pub skip_consent_for_verifiable_first_party_clients: bool,
    /// Whether roles of users would decide on their scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_policies: Option<bool>,
    /// In which form users' permissions would be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_dialect: Option<String>,
    /// Who may have tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_type_authorization: Option<Metadata>,
}

/// What a caller wants of an API; what is absent stays, or is at its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceServerPatch {
    /// See [`ResourceServer::name`].
    pub name: Option<String>,
    /// See [`ResourceServer::scopes`].
    pub scopes: Option<Vec<ApiScope>>,
    /// See [`ResourceServer::signing_alg`].
    pub signing_alg: Option<SigningAlgorithm>,
    /// See [`ResourceServer::signing_secret`].
    pub signing_secret: Option<Secret>,
    /// See [`ResourceServer::allow_offline_access`].
    pub allow_offline_access: Option<bool>,
    /// See [`ResourceServer::token_lifetime`].
    pub token_lifetime: Option<u64>,
    /// See [`ResourceServer::token_lifetime_for_web`].
    pub token_lifetime_for_web: Option<u64>,
    /// See [`ResourceServer::skip_consent_for_verifiable_first_party_clients`].
    pub skip_consent_for_verifiable_first_party_clients: Option<bool>,
    /// See [`ResourceServer::enforce_policies`].
    pub enforce_policies: Option<bool>,
    /// See [`ResourceServer::token_dialect`].
    pub token_dialect: Option<String>,
    /// See [`ResourceServer::subject_type_authorization`].
    pub subject_type_authorization: Option<Metadata>,
}

impl ResourceServer {
    /// For how many seconds tokens of browsers hold, unless said otherwise.
    const LIFETIME_FOR_WEB: u64 = 7200;

    /// An API with everything at its default.
    pub fn new(id: ResourceServerId, identifier: String, token_lifetime: u64) -> Self {
        Self {
            id,
            name: None,
            identifier,
            scopes: Vec::new(),
            signing_alg: SigningAlgorithm::Rs256,
            signing_secret: None,
            allow_offline_access: false,
            token_lifetime,
            token_lifetime_for_web: Self::LIFETIME_FOR_WEB.min(token_lifetime),
            skip_consent_for_verifiable_first_party_clients: false,
            enforce_policies: None,
            token_dialect: None,
            subject_type_authorization: None,
        }
    }

    /// The API after `patch`. Where a secret is needed and there is none, it is `new_secret`.
    #[must_use]
    pub fn patched(&self, patch: ResourceServerPatch, new_secret: impl FnOnce() -> Secret) -> Self {
        let former = self.clone();
        let signing_alg = patch.signing_alg.unwrap_or(former.signing_alg);
        let signing_secret = match signing_alg {
            SigningAlgorithm::Rs256 => None,
            SigningAlgorithm::Hs256 => patch.signing_secret.or(former.signing_secret).or_else(|| Some(new_secret())),
        };
        Self {
            id: former.id,
            name: patch.name.or(former.name),
            identifier: former.identifier,
            scopes: patch.scopes.unwrap_or(former.scopes),
            signing_alg,
            signing_secret,
            allow_offline_access: patch.allow_offline_access.unwrap_or(former.allow_offline_access),
            token_lifetime: patch.token_lifetime.unwrap_or(former.token_lifetime),
            token_lifetime_for_web: patch.token_lifetime_for_web.unwrap_or(former.token_lifetime_for_web),
            skip_consent_for_verifiable_first_party_clients: patch
                .skip_consent_for_verifiable_first_party_clients
                .unwrap_or(former.skip_consent_for_verifiable_first_party_clients),
            enforce_policies: patch.enforce_policies.or(former.enforce_policies),
            token_dialect: patch.token_dialect.or(former.token_dialect),
            subject_type_authorization: patch.subject_type_authorization.or(former.subject_type_authorization),
        }
    }

    /// Whether it has a permission.
    pub fn has_scope(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.value == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_there_exactly_where_it_is_needed() {
        let api = ResourceServer::new(ResourceServerId::from_text("1"), "urn:api".into(), 100);
        assert_eq!((api.token_lifetime_for_web, &api.signing_secret), (100, &None));
        let by_secret = |secret: Option<&str>| ResourceServerPatch {
            signing_alg: Some(SigningAlgorithm::Hs256),
            signing_secret: secret.map(Secret::new),
            ..ResourceServerPatch::default()
        };
        let made = api.patched(by_secret(None), || Secret::new("new"));
        assert_eq!(made.signing_secret, Some(Secret::new("new")));
        let kept = made.patched(ResourceServerPatch::default(), || Secret::new("other"));
        assert_eq!(kept.signing_secret, Some(Secret::new("new")));
        assert_eq!(made.patched(by_secret(Some("own")), || Secret::new("x")).signing_secret, Some(Secret::new("own")));
        let back = ResourceServerPatch { signing_alg: Some(SigningAlgorithm::Rs256), ..Default::default() };
        assert_eq!(made.patched(back, || Secret::new("x")).signing_secret, None);
    }
}
