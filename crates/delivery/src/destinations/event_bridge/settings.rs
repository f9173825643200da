//! How this server delivers to EventBridge: the operator's choice, the same for all streams.

use domain::destination::{AwsAccountId, AwsRegion};

/// The longest name that AWS takes for a source or an event bus, in bytes.
const NAME_BYTES_MAX: usize = 256;
/// What a template says where the stream's account belongs.
const ACCOUNT: &str = "{account}";
/// What a template says where the stream's region belongs.
const REGION: &str = "{region}";
/// What sources begin with that AWS keeps for itself and its partners.
const RESERVED: &str = "aws.";

/// How events come to the account that a stream names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventBridgeMode {
    /// `PutEvents` to an event bus of the account.
    Bus {
        /// The event bus.
        bus: EventBus,
        /// The role of the account that is taken on to do it; `None`: the server's own credentials do.
        role: Option<RoleTemplate>,
        /// What the events state as their source.
        source: EventSource,
    },
    /// `PutPartnerEvents`, for those who are a partner of AWS: the account's owner takes the partner event source.
    Partner,
}

/// A setting that EventBridge would not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventBridgeSettingError {
    /// Not an event bus.
    #[error(
        "the name of an event bus (letters, digits, . _ -) or its ARN, in which {{account}} and {{region}} may stand"
    )]
    Bus,
    /// Not a role.
    #[error("the ARN of a role such as arn:aws:iam::{{account}}:role/events")]
    Role,
    /// Not a source.
    #[error("a source of 1 to 256 printable characters")]
    Source,
    /// A source that AWS refuses from everybody else.
    #[error("a source that does not begin with aws., which only AWS and its partners may send")]
    SourceReserved,
}

/// The event bus of an account: its name, or a template of its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventBus(String);

impl EventBus {
    /// Reads a name or an ARN.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, EventBridgeSettingError> {
        let is_name = |text: &str| {
            (1..=NAME_BYTES_MAX).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let is_arn = is_arn_template(text, &[ACCOUNT, REGION]) && text.contains(":event-bus/");
        if is_arn || is_name(text) { Ok(Self(text.to_owned())) } else { Err(EventBridgeSettingError::Bus) }
    }

    /// The ARN in the account and the region of a stream.
    pub(super) fn arn(&self, account: &AwsAccountId, region: AwsRegion) -> String {
        if self.0.starts_with("arn:") {
            return self.0.replace(ACCOUNT, account.as_str()).replace(REGION, region.name());
        }
        let partition = if region.name().starts_with("us-gov-") { "aws-us-gov" } else { "aws" };
        format!("arn:{partition}:events:{}:{account}:event-bus/{}", region.name(), self.0)
    }
}

/// A template of a role's ARN, in which the stream's account may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleTemplate(String);

impl RoleTemplate {
    /// Reads an ARN.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, EventBridgeSettingError> {
        let is_role = is_arn_template(text, &[ACCOUNT]) && text.contains(":role/");
        if is_role { Ok(Self(text.to_owned())) } else { Err(EventBridgeSettingError::Role) }
    }

    /// The role's ARN in the account of a stream.
    pub(super) fn arn(&self, account: &AwsAccountId) -> String {
        self.0.replace(ACCOUNT, account.as_str())
    }
}

/// What events state as their source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSource(String);

impl EventSource {
    /// Reads a source.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn parse(text: &str) -> Result<Self, EventBridgeSettingError> {
        if !(1..=NAME_BYTES_MAX).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EventBridgeSettingError::Source);
        }
        if text.to_ascii_lowercase().starts_with(RESERVED) {
            return Err(EventBridgeSettingError::SourceReserved);
        }
        Ok(Self(text.to_owned()))
    }

    /// The source as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether this is an ARN once what may stand in it has been filled in.
fn is_arn_template(text: &str, may_stand: &[&str]) -> bool {
    let filled = may_stand.iter().fold(text.to_owned(), |text, each| text.replace(each, "x"));
    filled.starts_with("arn:")
        && filled.splitn(6, ':').count() == 6
        && filled.bytes().all(|byte| byte.is_ascii_graphic() && !b"{}\"\\".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AwsAccountId {
        AwsAccountId::parse("123456789012").unwrap()
    }

    fn bus_of(text: &str, region: &str) -> String {
        EventBus::parse(text).unwrap().arn(&account(), AwsRegion::from_name(region).unwrap())
    }

    #[test]
    fn a_bus_is_in_the_streams_account_and_region() {
        assert_eq!(bus_of("default", "eu-west-1"), "arn:aws:events:eu-west-1:123456789012:event-bus/default");
        assert_eq!(bus_of("crm", "us-gov-west-1"), "arn:aws-us-gov:events:us-gov-west-1:123456789012:event-bus/crm");
        let fixed = "arn:aws:events:us-east-1:999999999999:event-bus/all";
        assert_eq!(bus_of(fixed, "eu-west-1"), fixed);
        assert_eq!(
            bus_of("arn:aws:events:{region}:{account}:event-bus/all", "eu-west-1"),
            "arn:aws:events:eu-west-1:123456789012:event-bus/all"
        );
        for text in ["", "a b", "arn:aws:events", "arn:aws:sqs:eu-west-1:1:queue", "arn:aws:events:{x}:1:event-bus/a"] {
            assert_eq!(EventBus::parse(text), Err(EventBridgeSettingError::Bus), "{text}");
        }
    }

    #[test]
    fn a_role_is_in_the_streams_account() {
        let role = RoleTemplate::parse("arn:aws:iam::{account}:role/events").unwrap();
        assert_eq!(role.arn(&account()), "arn:aws:iam::123456789012:role/events");
        for text in ["events", "arn:aws:iam::1:user/a", "arn:aws:iam::{region}:role/a", "arn:aws:iam::1:role/a b"] {
            assert_eq!(RoleTemplate::parse(text), Err(EventBridgeSettingError::Role), "{text}");
        }
    }

    #[test]
    fn sources_of_aws_are_refused() {
        assert_eq!(EventSource::parse("com.example.identity").unwrap().as_str(), "com.example.identity");
        assert!(EventSource::parse("awsome").is_ok());
        for text in ["aws.events", "AWS.events", "aws.partner/auth0.com/acme/auth0.events"] {
            assert_eq!(EventSource::parse(text), Err(EventBridgeSettingError::SourceReserved), "{text}");
        }
        for text in ["", "a b", &"x".repeat(257)] {
            assert_eq!(EventSource::parse(text), Err(EventBridgeSettingError::Source), "{text}");
        }
    }
}
