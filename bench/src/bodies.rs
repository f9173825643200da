//! The bodies that are posted: each has a number of its own and the time at which it was sent.

use bytes::Bytes;

use crate::clock::now_ns;

/// How long the number is in a body.
pub(crate) const NUMBER_DIGITS: usize = 10;
/// How long the time is in a body: nanoseconds since 1970.
pub(crate) const SENT_DIGITS: usize = 19;
/// What comes before the number, wherever a body passes.
pub(crate) const NUMBER_MARK: &[u8] = b"bench_number\":\"";
/// What comes before the time.
pub(crate) const SENT_MARK: &[u8] = b"bench_sent\":\"";

/// The size of one CloudEvent.
const EVENT_BYTES: usize = 900;
/// Where the padding goes.
const PADDING: &str = "%PADDING%";
const NUMBER: &str = "NNNNNNNNNN";
const SENT: &str = "TTTTTTTTTTTTTTTTTTT";

/// What is posted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One CloudEvent of 900 bytes.
    Event,
    /// So many of them in a JSON array.
    Batch(u64),
    /// A user whose `user.created` has about 900 bytes.
    User,
}

impl Kind {
    /// Where the server takes it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Event | Self::Batch(_) => "/api/v2/events",
            Self::User => "/api/v2/users",
        }
    }

    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Event => "application/cloudevents+json",
            Self::Batch(_) => "application/cloudevents-batch+json",
            Self::User => "application/json",
        }
    }

    /// How many events one request raises.
    pub(crate) const fn events(self) -> u64 {
        match self {
            Self::Event | Self::User => 1,
            Self::Batch(events) => events,
        }
    }
}

/// A body with places for what differs.
pub(crate) struct Template {
    kind: Kind,
    text: Vec<u8>,
    numbers: Vec<usize>,
    sent: Option<usize>,
}

impl Template {
    pub(crate) fn new(kind: Kind) -> Self {
        let text = match kind {
            Kind::Event | Kind::Batch(_) => padded(EVENT, EVENT_BYTES),
            Kind::User => padded(USER, USER_BYTES),
        };
        let numbers = text.match_indices(NUMBER).map(|(at, _)| at).collect();
        let sent = text.find(SENT);
        Self { kind, text: text.into_bytes(), numbers, sent }
    }

    /// The body of the request with this number, sent at `sent_ns`.
    pub(crate) fn body_sent_at(&self, request: u64, sent_ns: u64) -> Bytes {
        let Kind::Batch(events) = self.kind else { return self.one(request, sent_ns).into() };
        let mut body = Vec::with_capacity((self.text.len() + 1) * usize::try_from(events).unwrap_or(0) + 2);
        body.push(b'[');
        for number in 0..events {
            if number > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&self.one(request * events + number, sent_ns));
        }
        body.push(b']');
        body.into()
    }

    /// The body of the request with this number, sent now.
    pub(crate) fn body(&self, request: u64) -> Bytes {
        self.body_sent_at(request, now_ns())
    }

    fn one(&self, number: u64, sent_ns: u64) -> Vec<u8> {
        let mut text = self.text.clone();
        for at in &self.numbers {
            write_digits(&mut text[*at..*at + NUMBER_DIGITS], number);
        }
        if let Some(at) = self.sent {
            write_digits(&mut text[at..at + SENT_DIGITS], sent_ns);
        }
        text
    }
}

fn padded(template: &str, bytes: usize) -> String {
    let template = template.replace('\n', "");
    let padding = (bytes + PADDING.len()).saturating_sub(template.len());
    template.replace(PADDING, &"x".repeat(padding))
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// The number behind a mark, if the body has it.
pub(crate) fn number_after(body: &[u8], mark: &[u8], digits: usize) -> Option<u64> {
    let at = body.windows(mark.len()).position(|window| window == mark)? + mark.len();
    std::str::from_utf8(body.get(at..at + digits)?).ok()?.parse().ok()
}

/// The user whom the event with this number is about.
pub(crate) fn user_id(number: u64) -> String {
    format!("auth0|bench{number:010}")
}

/// What one user's event has besides the user's own body.
const USER_BYTES: usize = 430;

/// As a JSON text over several lines; [`Template`] joins them.
const USER: &str = r#"
{"connection":"Username-Password-Authentication","email":"bench-NNNNNNNNNN@example.com",
"password":"correct horse battery staple",
"user_metadata":{"bench_number":"NNNNNNNNNN","bench_sent":"TTTTTTTTTTTTTTTTTTT","padding":"%PADDING%"}}"#;

const EVENT: &str = r#"
{"specversion":"1.0","type":"user.created","source":"urn:auth0:bench.example.com","id":"evt_bench000000NNNNNNNNNN",
"time":"2026-01-02T03:04:05.678Z","subject":"auth0|benchNNNNNNNNNN","datacontenttype":"application/json",
"data":{"object":{"user_id":"auth0|benchNNNNNNNNNN","email":"bench-NNNNNNNNNN@example.com","email_verified":false,
"created_at":"2026-01-02T03:04:05.678Z","updated_at":"2026-01-02T03:04:05.678Z","name":"bench","nickname":"bench",
"identities":[{"connection":"Username-Password-Authentication","user_id":"benchNNNNNNNNNN","provider":"auth0",
"isSocial":false}],
"user_metadata":{"bench_number":"NNNNNNNNNN","bench_sent":"TTTTTTTTTTTTTTTTTTT","padding":"%PADDING%"}}}}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_size_its_number_and_its_time() {
        let body = Template::new(Kind::Event).body_sent_at(42, 1_700_000_000_000_000_123);
        assert_eq!(body.len(), EVENT_BYTES);
        assert_eq!(number_after(&body, NUMBER_MARK, NUMBER_DIGITS), Some(42));
        assert_eq!(number_after(&body, SENT_MARK, SENT_DIGITS), Some(1_700_000_000_000_000_123));
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["data"]["object"]["email"], "bench-0000000042@example.com");
        assert_eq!(json["data"]["object"]["user_id"], user_id(42));
    }

    #[test]
    fn a_batch_numbers_its_events_on() {
        let body = Template::new(Kind::Batch(3)).body_sent_at(7, 1);
        let json: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
        let numbers: Vec<_> =
            json.iter().map(|each| &each["data"]["object"]["user_metadata"]["bench_number"]).collect();
        assert_eq!(numbers, ["0000000021", "0000000022", "0000000023"]);
    }

    #[test]
    fn a_user_is_json() {
        let body = Template::new(Kind::User).body_sent_at(1, 1);
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["user_metadata"]["bench_number"], "0000000001");
        assert_eq!(body.len(), USER_BYTES);
    }
}
