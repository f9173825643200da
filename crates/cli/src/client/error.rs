//! Why a call did not work, and what to do next.

use reqwest::StatusCode;
use serde_json::Value;

/// What the server's words on a missing scope begin with.
const SCOPE_PREFIX: &str = "Insufficient scope, expected any of: ";

/// Why a call did not work.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection's settings make no sense.
    #[error("{0}")]
    Settings(String),
    /// The server cannot be reached, or the connection broke.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The server.
        url: String,
        /// What happened, down to the first cause.
        reason: String,
    },
    /// The server refused.
    #[error("{status}{}: {message}", reason_of(*.status))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's own words.
        message: String,
        /// The whole answer.
        body: String,
    },
    /// The server's answer is not what the contract says.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
}

impl ClientError {
    /// What to do next, where that is known.
    pub fn next_step(&self) -> Option<String> {
        match self {
            Self::Settings(_) | Self::Unexpected(_) => None,
            Self::Unreachable { url, .. } => Some(format!(
                "is {url} right, and is the server running? Start one with `headwater dev`, or choose another one with --profile"
            )),
            Self::Refused { body, .. } if missing_scopes(body).is_some() => missing_scopes(body)
                .map(|scopes| format!("the application's client grant needs one of these scopes: {scopes}")),
            Self::Refused { status: 401, .. } => {
                Some("the server does not know these credentials: check the client id and secret, or the token".into())
            }
            Self::Refused { status: 429, .. } => Some("the server is asked too often: wait, then try again".into()),
            Self::Refused { .. } => None,
        }
    }
}

/// What the status is called, after a space.
fn reason_of(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map(|reason| format!(" {reason}")).unwrap_or_default()
}

/// The scopes that the server named, in the contract's fixed words.
fn missing_scopes(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    if body["errorCode"] != "insufficient_scope" {
        return None;
    }
    Some(body["message"].as_str()?.strip_prefix(SCOPE_PREFIX)?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_missing_scope_is_named() {
        let message = "Insufficient scope, expected any of: read:users";
        let body = json!({"errorCode": "insufficient_scope", "message": message}).to_string();
        assert_eq!(missing_scopes(&body).as_deref(), Some("read:users"));
        assert_eq!(missing_scopes("{}"), None);
        let error = ClientError::Refused { status: 403, message: message.into(), body };
        assert!(error.next_step().unwrap().ends_with("scopes: read:users"));
    }
}
