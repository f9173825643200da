//! Where a stream delivers to, and the rules for its settings.

mod action;
mod event_bridge;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::secret::Secret;

pub use action::ActionDestination;
pub use event_bridge::{AwsAccountId, AwsRegion, EventBridge, PartnerEventSource, PartnerName};

/// A destination's settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Destination {
    /// An HTTP endpoint that gets one POST an event.
    Webhook(Webhook),
    /// An event bus of AWS.
    EventBridge(EventBridge),
    /// Code of the tenant's own.
    Action(ActionDestination),
}

impl Destination {
    /// The contract's word for its type.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::EventBridge(_) => "eventbridge",
            Self::Action(_) => "action",
        }
    }

    /// What of it is never shown, if it has such a part.
    pub const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Webhook(webhook) => Some(webhook.authorization.secret()),
            Self::EventBridge(_) | Self::Action(_) => None,
        }
    }
}

/// A webhook's settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    /// Where it is posted to.
    pub endpoint: Endpoint,
    /// How the request proves where it comes from.
    pub authorization: Authorization,
}

/// A webhook's authorization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Authorization {
    /// `authorization: Bearer TOKEN`
    Bearer {
        /// The token.
        token: Secret,
    },
    /// `authorization: Basic …`
    Basic {
        /// Shown in answers.
        username: String,
        /// Never shown.
        password: Secret,
    },
    /// A header of the owner's choice.
    CustomHeader {
        /// Its name, as it was given.
        header_key: String,
        /// Its value.
        header_value: Secret,
    },
}

impl Authorization {
    /// The contract's word for the method.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Bearer { .. } => "bearer",
            Self::Basic { .. } => "basic",
            Self::CustomHeader { .. } => "custom_header",
        }
    }

    /// The part that is never shown.
    pub const fn secret(&self) -> &Secret {
        match self {
            Self::Bearer { token } => token,
            Self::Basic { password, .. } => password,
            Self::CustomHeader { header_value, .. } => header_value,
        }
    }

    /// The header that carries it: its name and its value.
    pub fn header(&self) -> (&str, Secret) {
        match self {
            Self::Bearer { token } => (AUTHORIZATION, Secret::new(format!("Bearer {}", token.expose()))),
            Self::Basic { username, password } => {
                let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
                (AUTHORIZATION, Secret::new(format!("Basic {pair}")))
            }
            Self::CustomHeader { header_key, header_value } => (header_key, header_value.clone()),
        }
    }
}

const AUTHORIZATION: &str = "authorization";

/// A webhook's address: an absolute http or https URL with a host and without user information.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    given: String,
    url: Url,
}

/// The longest endpoint that is taken, in bytes.
pub const ENDPOINT_BYTES_MAX: usize = 2048;

/// Why a text is not an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not `https://…` (nor `http://…` where that is allowed).
    #[error("String does not match pattern ^https://.*")]
    Scheme,
    /// Longer than [`ENDPOINT_BYTES_MAX`].
    #[error("String is too long, maximum 2048")]
    TooLong,
    /// Not a URL with a host.
    #[error("Object didn't pass validation for format uri")]
    Malformed,
    /// Contains `user:password@`, which would end up in logs and answers.
    #[error("User information is not allowed in the URL; use webhook_authorization")]
    UserInformation,
}

impl Endpoint {
    /// Reads an endpoint. `http_allowed` is the operator's choice; the contract takes https only.
    pub fn parse(text: &str, http_allowed: bool) -> Result<Self, EndpointError> {
        if text.len() > ENDPOINT_BYTES_MAX {
            return Err(EndpointError::TooLong);
        }
        let https = text.starts_with("https://");
        let http = http_allowed && text.starts_with("http://");
        if !https && !http {
            return Err(EndpointError::Scheme);
        }
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(EndpointError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| EndpointError::Malformed)?;
        if !url.has_host() || url.host_str().is_none_or(str::is_empty) {
            return Err(EndpointError::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::UserInformation);
        }
        Ok(Self { given: text.to_owned(), url })
    }

    /// Reads one that was accepted before, whatever is allowed today.
    pub fn from_stored(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text, true)
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// The parsed URL.
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

/// Header names that a custom header may not use: the server itself decides them.
pub const HEADERS_RESERVED: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "user-agent",
    "accept-encoding",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "keep-alive",
    "proxy-connection",
];

/// Whether `name` is a header name in the contract's grammar.
pub fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+.^_`|~-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        assert!(Endpoint::parse("https://hooks.example.com/in?x=1", false).is_ok());
        assert_eq!(Endpoint::parse("http://hooks.example.com/", false), Err(EndpointError::Scheme));
        assert!(Endpoint::parse("http://hooks.example.com/", true).is_ok());
        assert_eq!(Endpoint::parse("https://", false), Err(EndpointError::Malformed));
        assert_eq!(Endpoint::parse("https://a b/", false), Err(EndpointError::Malformed));
        assert_eq!(Endpoint::parse("https://u:p@h/", false), Err(EndpointError::UserInformation));
        assert_eq!(Endpoint::parse("ftp://h/", true), Err(EndpointError::Scheme));
    }

    #[test]
    fn authorizations_do_not_print_their_secret() {
        let shown = format!("{:?}", Authorization::Bearer { token: Secret::new("s3cret") });
        assert!(!shown.contains("s3cret"));
    }
}
