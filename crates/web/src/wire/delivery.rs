//! Failed deliveries (management-api.md 3.8).

use bytes::Bytes;
use domain::clock::Timestamp;
use domain::delivery::{Attempt, AttemptStatus, ConsoleLine};
use domain::event::{Event, body_for_stream, stream_suffix, type_name};
use domain::ids::{EventId, StreamId};
use serde::Serialize;
use serde_json::value::RawValue;
use store::FailedDelivery;

use crate::error::ApiError;

/// The contract cuts messages here, and says so in the last characters.
const ERROR_CHARS_MAX: usize = 50;
const CUT_MARK: &str = " ...";

/// A failed delivery as it is answered.
#[derive(Serialize)]
pub(crate) struct DeliveryAnswer {
    id: EventId,
    event_stream_id: StreamId,
    event_type: String,
    status: &'static str,
    attempts: Vec<AttemptAnswer>,
    event: Box<RawValue>,
}

#[derive(Serialize)]
struct AttemptAnswer {
    status: AttemptStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headwater: Option<AttemptExtension>,
}

/// What the contract does not have.
#[derive(Serialize)]
struct AttemptExtension {
    /// What the action wrote to its console.
    console: Vec<ConsoleLine>,
}

impl DeliveryAnswer {
    /// The delivery of `stream`, with the event exactly as it was sent.
    pub(crate) fn new(stream: StreamId, delivery: FailedDelivery) -> Result<Self, ApiError> {
        let event = as_sent(stream, &delivery.body)?;
        Ok(Self {
            id: delivery.event_id,
            event_stream_id: stream,
            event_type: type_name(delivery.event_type, &delivery.body).to_owned(),
            status: "failed",
            attempts: delivery.attempts.into_iter().map(AttemptAnswer::from).collect(),
            event,
        })
    }

    /// A delivery that is about to be made.
    pub(crate) fn pending(stream: StreamId, event: &Event) -> Result<Self, ApiError> {
        Ok(Self {
            id: event.id,
            event_stream_id: stream,
            event_type: type_name(event.event_type, &event.body).to_owned(),
            status: "pending",
            attempts: Vec::new(),
            event: as_sent(stream, &event.body)?,
        })
    }
}

/// An event exactly as its receiver gets it.
fn as_sent(stream: StreamId, body: &Bytes) -> Result<Box<RawValue>, ApiError> {
    let sent = body_for_stream(body, &stream_suffix(stream)).concat();
    serde_json::from_slice(&sent).map_err(|error| ApiError::Internal("a logged event is not JSON", error.into()))
}

impl From<Attempt> for AttemptAnswer {
    fn from(attempt: Attempt) -> Self {
        Self {
            status: attempt.status,
            error_message: attempt.error.map(cut),
            timestamp: attempt.timestamp,
            duration: attempt.duration_ms,
            headwater: (!attempt.console.is_empty()).then_some(AttemptExtension { console: attempt.console }),
        }
    }
}

fn cut(message: String) -> String {
    if message.chars().count() <= ERROR_CHARS_MAX {
        return message;
    }
    let mut cut: String = message.chars().take(ERROR_CHARS_MAX - CUT_MARK.len()).collect();
    cut.push_str(CUT_MARK);
    cut
}

#[cfg(test)]
mod tests {
    use domain::delivery::ConsoleLevel;

    use super::*;

    #[test]
    fn what_an_action_wrote_stands_with_its_attempt() {
        let mut attempt = Attempt::retrying(Timestamp::from_millis(0));
        let plain = serde_json::to_value(AttemptAnswer::from(attempt.clone())).unwrap();
        assert!(plain.get("headwater").is_none());
        attempt.console.push(ConsoleLine { level: ConsoleLevel::Warn, text: "careful".to_owned() });
        let answer = serde_json::to_value(AttemptAnswer::from(attempt)).unwrap();
        assert_eq!(answer["headwater"], serde_json::json!({"console": [{"level": "warn", "text": "careful"}]}));
    }

    #[test]
    fn long_messages_are_cut_and_say_so() {
        assert_eq!(cut("x".repeat(50)), "x".repeat(50));
        assert_eq!(cut("ü".repeat(51)), format!("{} ...", "ü".repeat(46)));
    }
}
