//! Test events: one event for one stream, which says of itself that it is a test (management-api.md 3.7).

use serde::Serialize;

use crate::catalog::EventType;
use crate::clock::{Entropy, Timestamp};
use crate::event::{BODY_BYTES_USUAL, Envelope, Event, Source, Subject};
use crate::ids::EventId;

/// What `a0purpose` says of a test event.
pub const PURPOSE: &str = "test";

/// A test event of a type with this name, with these data, such as a [`sample`](crate::catalog::sample).
pub fn test_event<D: Serialize + ?Sized>(
    event_type: EventType,
    name: &str,
    data: &D,
    source: &Source,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Event {
    let id = EventId::generate(now, entropy);
    let envelope = Envelope {
        specversion: "1.0",
        event_type: name,
        source: &source.urn,
        id,
        time: now,
        data,
        a0purpose: Some(PURPOSE),
        a0tenant: &source.tenant_name,
    };
    let body = envelope.render(BODY_BYTES_USUAL);
    Event { id, event_type, subject: Subject::of_test(id), time: now, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::sample;

    struct Sevens;
    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn a_test_event_says_so_and_is_about_nothing_real() {
        let source = Source::new("acme", "acme.example");
        let kind = EventType::GroupCreated;
        let event =
            test_event(kind, "group.created", sample(kind).unwrap(), &source, Timestamp::from_millis(0), &Sevens);
        let body: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
        assert_eq!((&body["a0purpose"], &body["type"]), (&"test".into(), &"group.created".into()));
        assert_eq!(body["data"]["object"]["name"], "Field engineers");
        assert!(event.subject.is_test() && !Subject::new("tests", "1").is_test());
    }
}
