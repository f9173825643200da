//! AWS EventBridge: an account, a region, and the name of the stream's events there (management-api.md 3.1, 3.9, 5.5).

use std::fmt;

use crate::ids::Uuid;

/// The settings of an EventBridge destination. They never change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventBridge {
    /// Whose account it is.
    pub account: AwsAccountId,
    /// The region of the event bus.
    pub region: AwsRegion,
    /// Under which name partners of AWS deliver the stream's events.
    pub partner_event_source: PartnerEventSource,
}

/// An AWS account: 12 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsAccountId([u8; Self::DIGITS]);

impl AwsAccountId {
    const DIGITS: usize = 12;

    /// Reads 12 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; Self::DIGITS] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are ASCII")
    }
}

impl fmt::Display for AwsAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AwsAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A region of AWS that the contract knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsRegion(&'static str);

impl AwsRegion {
    /// All of them.
    pub const NAMES: &'static [&'static str] = &[
        "af-south-1",
        "ap-east-1",
        "ap-east-2",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-south-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-central-1",
        "ca-west-1",
        "eu-central-1",
        "eu-central-2",
        "eu-north-1",
        "eu-south-1",
        "eu-south-2",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "mx-central-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-gov-east-1",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    ];

    /// Reads a region's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|known| **known == name).map(|known| Self(known))
    }

    /// AWS's name for it.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for AwsRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The name that AWS knows a partner by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartnerName(String);

impl PartnerName {
    const BYTES_MAX: usize = 64;

    /// Reads letters, digits, `.`, `_` and `-`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        ((1..=Self::BYTES_MAX).contains(&text.len()) && text.bytes().all(is_known)).then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PartnerName {
    /// The one that the contract's names are of.
    fn default() -> Self {
        Self("auth0.com".to_owned())
    }
}

/// The name of a partner event source: of each stream another one, which no stream had before.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartnerEventSource(String);

impl PartnerEventSource {
    /// The name for a new stream of `tenant`, as `partner` gives it.
    pub fn new(partner: &PartnerName, tenant: &str, unique: Uuid) -> Self {
        Self(format!("aws.partner/{}/{tenant}-{unique}/auth0.events", partner.as_str()))
    }

    /// Takes a name that was made before.
    pub fn from_stored(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PartnerEventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_twelve_digits() {
        assert_eq!(AwsAccountId::parse("123456789012").unwrap().as_str(), "123456789012");
        for text in ["", "12345678901", "1234567890123", "12345678901a", "１２３４"] {
            assert_eq!(AwsAccountId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_contract_knows_36_regions() {
        assert_eq!(AwsRegion::NAMES.len(), 36);
        assert!(AwsRegion::NAMES.is_sorted());
        assert_eq!(AwsRegion::from_name("us-gov-west-1").unwrap().name(), "us-gov-west-1");
        assert_eq!(AwsRegion::from_name("cn-north-1"), None);
    }

    #[test]
    fn partner_event_sources_have_the_contracts_form() {
        let unique = Uuid::parse("fbedbd06-5747-42cc-afde-016050660582").unwrap();
        assert_eq!(
            PartnerEventSource::new(&PartnerName::default(), "acme", unique).as_str(),
            "aws.partner/auth0.com/acme-fbedbd06-5747-42cc-afde-016050660582/auth0.events"
        );
    }
}
