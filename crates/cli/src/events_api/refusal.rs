//! What becomes of a request for events that was refused.

use std::time::Duration;

use serde_json::Value;

use crate::client::{ClientError, Reply};

/// What to do after a refusal.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The log has forgotten what comes after the offset.
    Expired(String),
    /// The offset is none that this server gave.
    UnknownOffset(String),
    /// Trying again later can help.
    Later { reason: String, asked: Duration },
    /// Trying again cannot help.
    Final(ClientError),
}

impl Refusal {
    /// Judges an answer that is not 200. `asked` is its `retry-after`.
    pub(super) fn of(reply: Reply, asked: Option<Duration>) -> Self {
        let status = reply.status;
        let code = serde_json::from_str::<Value>(&reply.body).unwrap_or_default()["errorCode"].clone();
        let error = match reply.accepted() {
            Err(error) => error,
            Ok(_) => ClientError::Unexpected(format!("the Events API answered {status} instead of 200")),
        };
        let words = match &error {
            ClientError::Refused { message, .. } if !message.is_empty() => message.clone(),
            other => other.to_string(),
        };
        match (status, code.as_str()) {
            (410, _) | (_, Some("cursor_expired")) => Self::Expired(words),
            (_, Some("invalid_cursor")) => Self::UnknownOffset(words),
            // All the places for readers are taken: the contract gives that no code.
            (403, None) | (408 | 429 | 500..=599, _) => Self::Later { reason: words, asked: asked.unwrap_or_default() },
            _ => Self::Final(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Refusal {
        Refusal::of(Reply { status, body: body.into() }, Some(Duration::from_secs(3)))
    }

    #[test]
    fn what_can_help_is_told_from_what_cannot() {
        assert!(matches!(judged(401, "{}"), Refusal::Final(_)));
        assert!(
            matches!(judged(410, r#"{"errorCode":"cursor_expired","message":"gone"}"#), Refusal::Expired(words) if words == "gone")
        );
        assert!(matches!(judged(400, r#"{"errorCode":"invalid_cursor"}"#), Refusal::UnknownOffset(_)));
        assert!(matches!(judged(400, r#"{"errorCode":"invalid_query_string"}"#), Refusal::Final(_)));
        assert!(matches!(judged(403, r#"{"errorCode":"insufficient_scope"}"#), Refusal::Final(_)));
        assert!(matches!(judged(403, r#"{"message":"Maximum concurrent …"}"#), Refusal::Later { .. }));
        assert!(matches!(judged(429, ""), Refusal::Later { asked, .. } if asked == Duration::from_secs(3)));
        assert!(matches!(judged(503, ""), Refusal::Later { .. }));
        assert!(matches!(judged(404, ""), Refusal::Final(_)));
        assert!(matches!(judged(204, ""), Refusal::Final(ClientError::Unexpected(_))));
    }
}
