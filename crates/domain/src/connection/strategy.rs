//! The strategies that connections can have: how their users prove who they are.

use std::fmt;

use serde::{Serialize, Serializer};

/// What kind of provider a strategy is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StrategyKind {
    /// Users are kept here.
    Database,
    /// A code or link is sent to an address or a number.
    Passwordless,
    /// An organization's own identity provider.
    Enterprise,
    /// A public provider.
    Social,
    /// Whatever the tenant makes of it.
    Custom,
}

/// A strategy that the contract knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Strategy {
    name: &'static str,
    kind: StrategyKind,
}

const ENTERPRISE: &[&str] =
    &["ad", "adfs", "google-apps", "ip", "office365", "oidc", "okta", "pingfederate", "samlp", "sharepoint", "waad"];

const SOCIAL: &[&str] = &[
    "amazon",
    "apple",
    "auth0-oidc",
    "baidu",
    "bitbucket",
    "bitly",
    "box",
    "daccount",
    "dropbox",
    "dwolla",
    "evernote",
    "evernote-sandbox",
    "exact",
    "facebook",
    "fitbit",
    "github",
    "google-oauth2",
    "instagram",
    "line",
    "linkedin",
    "oauth1",
    "oauth2",
    "paypal",
    "paypal-sandbox",
    "planningcenter",
    "salesforce",
    "salesforce-community",
    "salesforce-sandbox",
    "shopify",
    "soundcloud",
    "thirtysevensignals",
    "twitter",
    "untapped",
    "vkontakte",
    "weibo",
    "windowslive",
    "wordpress",
    "yahoo",
    "yandex",
];

/// The strategies whose connections raise events: the event's object is a closed union of these (event-types.md,
/// 23 to 25). The one place that says so.
const WITH_EVENTS: &[&str] = &["oidc", "okta", "samlp", "pingfederate", "adfs", "ad", "google-apps", "waad"];

impl Strategy {
    /// Users and their passwords.
    pub const DATABASE: Self = Self { name: "auth0", kind: StrategyKind::Database };
    /// A code or link is sent to an e-mail address.
    pub const EMAIL: Self = Self { name: "email", kind: StrategyKind::Passwordless };
    /// A code is sent to a phone number.
    pub const SMS: Self = Self { name: "sms", kind: StrategyKind::Passwordless };
    const CUSTOM: Self = Self { name: "custom", kind: StrategyKind::Custom };

    /// Every strategy of the contract.
    pub fn all() -> impl Iterator<Item = Self> {
        let of = |kind| move |name: &&'static str| Self { name, kind };
        [Self::DATABASE, Self::EMAIL, Self::SMS, Self::CUSTOM]
            .into_iter()
            .chain(ENTERPRISE.iter().map(of(StrategyKind::Enterprise)))
            .chain(SOCIAL.iter().map(of(StrategyKind::Social)))
    }

    /// The strategy with this name, if the contract has one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|known| known.name == name)
    }

    /// Its name on the wire; `provider` of its users' identities.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// What kind of provider it is.
    pub const fn kind(self) -> StrategyKind {
        self.kind
    }

    /// Whether changes of its connections raise events.
    pub fn raises_events(self) -> bool {
        WITH_EVENTS.contains(&self.name)
    }

    /// Whether its users and groups may be provisioned with SCIM: where they live at an identity provider of an
    /// organization that the contract has events for.
    pub fn takes_scim(self) -> bool {
        self.raises_events()
    }
}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Serialize for Strategy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name() {
        let kind = |name| Strategy::from_name(name).map(Strategy::kind);
        assert_eq!(kind("auth0"), Some(StrategyKind::Database));
        assert_eq!(kind("sms"), Some(StrategyKind::Passwordless));
        assert_eq!(kind("github"), Some(StrategyKind::Social));
        assert_eq!(kind("custom"), Some(StrategyKind::Custom));
        assert_eq!(kind("Okta"), None);
        for name in ENTERPRISE.iter().chain(SOCIAL) {
            assert_eq!(Strategy::from_name(name).map(Strategy::name), Some(*name));
        }
    }

    #[test]
    fn eight_raise_events() {
        let raising = ENTERPRISE.iter().filter(|name| Strategy::from_name(name).is_some_and(Strategy::raises_events));
        assert_eq!(raising.count(), 8);
        assert_eq!(WITH_EVENTS.len(), 8);
    }
}
