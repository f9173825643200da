//! An organization: a customer of the tenant's, with members, their roles, and connections of its own.

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, OrganizationId};
use crate::user::Metadata;

/// An organization. One shape serves the store, the API's answers and `data.object` of events (event-types.md).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Organization {
    /// Unique in the tenant: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What its pages look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branding: Option<Branding>,
    /// Up to 25 texts that its owner chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// `org_…`
    pub id: OrganizationId,
}

/// What an organization's pages look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branding {
    /// A URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// The colors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colors: Option<Colors>,
}

/// Colors as pages write them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colors {
    /// Of what is to be clicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// Behind everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_background: Option<String>,
}

impl Organization {
    /// The longest name, in characters.
    pub const NAME_MAX: usize = 50;

    /// Whether `name` may be the name of an organization: it must not look like an id, so that both can be told
    /// apart (management-api.md 6.3).
    pub fn is_name(name: &str) -> bool {
        let is_outer = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = name.as_bytes();
        !name.starts_with("org_")
            && bytes.first().is_some_and(is_outer)
            && bytes.last().is_some_and(is_outer)
            && bytes.iter().all(|byte| is_outer(byte) || matches!(byte, b'-' | b'_'))
    }

    /// The organization after `patch`: members given replace those here, metadata and branding whole.
    #[must_use]
    pub fn patched(&self, patch: OrganizationPatch) -> Self {
        Self {
            id: self.id.clone(),
            name: patch.name.unwrap_or_else(|| self.name.clone()),
            display_name: patch.display_name.or_else(|| self.display_name.clone()),
            branding: patch.branding.or_else(|| self.branding.clone()),
            metadata: patch.metadata.or_else(|| self.metadata.clone()),
        }
    }
}

/// What a caller wants changed of an organization; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrganizationPatch {
    /// See [`Organization::name`].
    pub name: Option<String>,
    /// See [`Organization::display_name`].
    pub display_name: Option<String>,
    /// See [`Organization::branding`].
    pub branding: Option<Branding>,
    /// See [`Organization::metadata`].
    pub metadata: Option<Metadata>,
}

/// What members of an organization may do with a connection's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLevel {
    /// Nothing.
    None,
    /// See them.
    Readonly,
    /// Change some.
    Limited,
    /// Change all.
    Full,
}

impl AccessLevel {
    /// The level with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "readonly" => Some(Self::Readonly),
            "limited" => Some(Self::Limited),
            "full" => Some(Self::Full),
            _ => None,
        }
    }
}

/// A connection in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationConnection {
    /// Which.
    pub connection_id: ConnectionId,
    /// The organization's settings for it.
    pub settings: OrganizationConnectionSettings,
}

/// The settings that an organization has for a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationConnectionSettings {
    /// What the organization calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_connection_name: Option<String>,
    /// Whether whoever signs in through it becomes a member.
    pub assign_membership_on_login: bool,
    /// Whether it is offered on the sign-in page.
    pub show_as_button: bool,
    /// Whether one can sign up through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_signup_enabled: Option<bool>,
    /// What members may do with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_access_level: Option<AccessLevel>,
    /// Whether members can sign in through it.
    pub is_enabled: bool,
}

impl Default for OrganizationConnectionSettings {
    fn default() -> Self {
        Self {
            organization_connection_name: None,
            assign_membership_on_login: false,
            show_as_button: true,
            is_signup_enabled: None,
            organization_access_level: None,
            is_enabled: true,
        }
    }
}

impl OrganizationConnectionSettings {
    /// The settings after `patch`.
    #[must_use]
    pub fn patched(&self, patch: SettingsPatch) -> Self {
        let name = patch.organization_connection_name;
        Self {
            organization_connection_name: name.or_else(|| self.organization_connection_name.clone()),
            assign_membership_on_login: patch.assign_membership_on_login.unwrap_or(self.assign_membership_on_login),
            show_as_button: patch.show_as_button.unwrap_or(self.show_as_button),
            is_signup_enabled: patch.is_signup_enabled.or(self.is_signup_enabled),
            organization_access_level: patch.organization_access_level.or(self.organization_access_level),
            is_enabled: patch.is_enabled.unwrap_or(self.is_enabled),
        }
    }
}

/// What a caller wants of [`OrganizationConnectionSettings`]; what is absent stays, or is at its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsPatch {
    /// See [`OrganizationConnectionSettings::organization_connection_name`].
    pub organization_connection_name: Option<String>,
    /// See [`OrganizationConnectionSettings::assign_membership_on_login`].
    pub assign_membership_on_login: Option<bool>,
    /// See [`OrganizationConnectionSettings::show_as_button`].
    pub show_as_button: Option<bool>,
    /// See [`OrganizationConnectionSettings::is_signup_enabled`].
    pub is_signup_enabled: Option<bool>,
    /// See [`OrganizationConnectionSettings::organization_access_level`].
    pub organization_access_level: Option<AccessLevel>,
    /// See [`OrganizationConnectionSettings::is_enabled`].
    pub is_enabled: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_look_like_ids() {
        for name in ["a", "acme", "acme-2", "a_b", "0", "organization", "org"] {
            assert!(Organization::is_name(name), "{name}");
        }
        for name in ["", "Acme", "-acme", "acme-", "_a", "a b", "org_acme", "ä"] {
            assert!(!Organization::is_name(name), "{name}");
        }
    }
}
