//! How the owner of a stream wants its events delivered, where that is not the contract's way.
//!
//! Every member has a default, with which nothing differs. A member is one field here, is stored in
//! `store/src/sqlite/stream_options.rs`, and is read and answered in `web/src/wire/stream_extension.rs`; each takes
//! the type apart whole, so the compiler finds the places.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::delivery::Schedule;
use crate::destination::{Authorization, Destination, HEADERS_RESERVED, is_header_name};
use crate::encryption::Encryption;
use crate::expression::{Filter, Transform};
use crate::rate_limit::RateLimit;
use crate::recovery::Recovery;
use crate::signing::Signing;
use crate::transport::{Tls, Transport};

/// The longest that one attempt may be given.
pub const TIMEOUT_S_MAX: u32 = 60;
/// The most requests in flight that can be asked for.
pub const IN_FLIGHT_MAX: u32 = 1024;
/// The highest rate that can be asked for; beyond it, leave it out.
pub const RATE_PER_S_MAX: u32 = 10_000;

/// How a stream's events are delivered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliverySettings {
    /// How long one attempt may take as a whole; the server's time, if it is not given.
    pub timeout: Option<Duration>,
    /// When it is tried again.
    pub retry: Retry,
    /// Requests in flight at once, at most; never more than the server's limit.
    pub in_flight_max: Option<NonZeroU32>,
    /// So many requests a second, at most.
    pub rate_per_s: Option<NonZeroU32>,
    /// Headers that every request carries.
    pub headers: StaticHeaders,
    /// How requests are signed.
    pub signing: Option<Signing>,
    /// Which events pass; all, if there is none.
    pub filter: Option<Filter>,
    /// What is sent instead of the event.
    pub transform: Option<Transform>,
    /// How requests get to the receiver.
    pub transport: Transport,
    /// To whose key the payload is encrypted.
    pub encryption: Option<Encryption>,
    /// How the stream comes back after the server has disabled it.
    pub recover: Recovery,
}

/// When a delivery is tried again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Retry {
    /// As the server does it: by the contract after 1, 2 and 4 seconds.
    #[default]
    Contract,
    /// For almost three days, see [`PATIENT_DELAYS_S`].
    Patient,
    /// After these.
    Delays(Delays),
}

/// The waits of [`Retry::Patient`]: those that Standard Webhooks proposes, cut off at three days; 71 h 35 min in all.
pub const PATIENT_DELAYS_S: [u32; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 20 * 3600];

impl Retry {
    /// The schedule of a stream whose server has this one.
    pub fn schedule(&self, server: &Schedule) -> Schedule {
        let seconds = |delays: &[u32]| delays.iter().map(|delay| Duration::from_secs((*delay).into())).collect();
        match self {
            Self::Contract => server.clone(),
            Self::Patient => Schedule { waits: seconds(&PATIENT_DELAYS_S), ..server.clone() },
            Self::Delays(delays) => Schedule { waits: seconds(delays.seconds()), ..server.clone() },
        }
    }
}

/// The waits of a schedule of the owner's own, in seconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delays(Vec<u32>);

/// The most waits in a schedule.
pub const DELAYS_MAX: usize = 20;
/// The longest that all waits of a schedule may take together: three days.
pub const DELAYS_TOTAL_S_MAX: u32 = 3 * 24 * 3600;

/// Why a list of waits is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DelaysError {
    /// More than [`DELAYS_MAX`].
    #[error("Array is too long ({0}), maximum {DELAYS_MAX}")]
    TooMany(usize),
    /// One is not a time to wait.
    #[error("A delay is at least 1 second")]
    Zero(usize),
    /// Longer than [`DELAYS_TOTAL_S_MAX`] in all.
    #[error("The delays take {0} seconds together, maximum {DELAYS_TOTAL_S_MAX}")]
    TooLong(u64),
}

impl Delays {
    /// Checks a list of waits. An empty one means a single attempt.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(seconds: Vec<u32>) -> Result<Self, DelaysError> {
        if seconds.len() > DELAYS_MAX {
            return Err(DelaysError::TooMany(seconds.len()));
        }
        if let Some(index) = seconds.iter().position(|each| *each == 0) {
            return Err(DelaysError::Zero(index));
        }
        let total: u64 = seconds.iter().copied().map(u64::from).sum();
        if total > DELAYS_TOTAL_S_MAX.into() {
            return Err(DelaysError::TooLong(total));
        }
        Ok(Self(seconds))
    }

    /// The waits, in seconds.
    pub fn seconds(&self) -> &[u32] {
        &self.0
    }
}

/// Headers that every request of a stream carries. They are no secrets: they are answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StaticHeaders(BTreeMap<String, String>);

/// The most static headers.
pub const HEADERS_MAX: usize = 20;
/// The longest name and the longest value of a static header, in bytes.
pub const HEADER_NAME_BYTES_MAX: usize = 128;
/// The longest value of a static header, in bytes.
pub const HEADER_VALUE_BYTES_MAX: usize = 1024;
/// What all names and values may come to together, in bytes.
pub const HEADERS_BYTES_MAX: usize = 4096;

/// Names that begin with these are the server's own.
const HEADER_PREFIXES_RESERVED: [&str; 2] = ["webhook-", "headwater-"];

/// Why a header cannot be a static one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadersError {
    /// More than [`HEADERS_MAX`].
    #[error("Object has too many properties ({0}), maximum {HEADERS_MAX}")]
    TooMany(usize),
    /// Larger than [`HEADERS_BYTES_MAX`] in all.
    #[error("The headers take {0} bytes together, maximum {HEADERS_BYTES_MAX}")]
    TooLarge(usize),
    /// One of them.
    #[error("{error}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        error: HeaderError,
    },
}

/// What is wrong with one static header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not a name that HTTP knows, or too long.
    #[error("A header name has 1 to {HEADER_NAME_BYTES_MAX} letters, digits and marks, and no spaces")]
    Name,
    /// Not what HTTP carries unchanged, or too long.
    #[error("A header value has at most {HEADER_VALUE_BYTES_MAX} printable ASCII characters, and no space at its ends")]
    Value,
    /// The server decides it.
    #[error("The header is set by the server")]
    Reserved,
    /// It would say who sends, and be shown.
    #[error("Credentials are given in webhook_authorization, where they stay secret")]
    Credential,
    /// The same name twice, in different cases.
    #[error("The header is given twice, in different cases")]
    Twice,
}

impl StaticHeaders {
    /// Checks headers.
    ///
    /// # Errors
    /// Says what is wrong with them, or with which.
    pub fn new(headers: BTreeMap<String, String>) -> Result<Self, HeadersError> {
        if headers.len() > HEADERS_MAX {
            return Err(HeadersError::TooMany(headers.len()));
        }
        let mut names = std::collections::BTreeSet::new();
        for (name, value) in &headers {
            let fault = |error| HeadersError::Header { name: name.clone(), error };
            check_header(name, value).map_err(fault)?;
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(fault(HeaderError::Twice));
            }
        }
        let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > HEADERS_BYTES_MAX {
            return Err(HeadersError::TooLarge(bytes));
        }
        Ok(Self(headers))
    }

    /// The headers by their names, as they were given.
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Whether there is one of this name, in whatever case.
    fn has(&self, name: &str) -> bool {
        self.0.keys().any(|each| each.eq_ignore_ascii_case(name))
    }
}

fn check_header(name: &str, value: &str) -> Result<(), HeaderError> {
    let lower = name.to_ascii_lowercase();
    if name.len() > HEADER_NAME_BYTES_MAX || !is_header_name(name) {
        return Err(HeaderError::Name);
    }
    if lower == "authorization" || lower == "proxy-authorization" {
        return Err(HeaderError::Credential);
    }
    if HEADERS_RESERVED.contains(&lower.as_str()) || is_signature_header(&lower) {
        return Err(HeaderError::Reserved);
    }
    let is_plain = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if value.len() > HEADER_VALUE_BYTES_MAX || !is_plain || value.trim() != value {
        return Err(HeaderError::Value);
    }
    Ok(())
}

fn is_signature_header(lower: &str) -> bool {
    HEADER_PREFIXES_RESERVED.iter().any(|prefix| lower.starts_with(prefix))
}

/// A setting that does not go with the stream's destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Only webhooks have it.
    #[error("It goes with webhook destinations only")]
    WebhookOnly(&'static str),
    /// A static header is the one that authorizes.
    #[error("The header that webhook_authorization sets cannot be given here too")]
    AuthorizationHeader,
    /// Nobody would ask for the certificate.
    #[error("A client certificate goes with https endpoints only")]
    CertificateWithoutTls,
    /// The header that authorizes is one of a signature's.
    #[error("The header_key of webhook_authorization is a header of the signature; choose another one")]
    SignatureHeader,
}

impl Unfit {
    /// The member at fault, as the API names it.
    pub const fn member(self) -> &'static str {
        match self {
            Self::WebhookOnly(member) => member,
            Self::AuthorizationHeader => "headers",
            Self::SignatureHeader => "signing",
            Self::CertificateWithoutTls => "tls",
        }
    }
}

/// A stream's rate comes in pieces of a second's part like this one, so that it is even.
const BURST_PARTS: u32 = 10;

impl DeliverySettings {
    /// Its rate with what may be sent at once.
    pub fn rate(&self) -> Option<RateLimit> {
        let per_s = self.rate_per_s?.get();
        Some(RateLimit { per_s, burst: (per_s / BURST_PARTS).max(1) })
    }

    /// Checks that a stream with this destination can be delivered so.
    ///
    /// # Errors
    /// Says which setting cannot be.
    pub fn check_fit(&self, destination: &Destination) -> Result<(), Unfit> {
        let Destination::Webhook(webhook) = destination else { return self.check_without_requests() };
        if self.transport.tls.client.is_some() && webhook.endpoint.url().scheme() != "https" {
            return Err(Unfit::CertificateWithoutTls);
        }
        match &webhook.authorization {
            Authorization::CustomHeader { header_key, .. } if self.headers.has(header_key) => {
                Err(Unfit::AuthorizationHeader)
            }
            Authorization::CustomHeader { header_key, .. }
                if self.signing.is_some() && header_key.to_ascii_lowercase().starts_with("webhook-") =>
            {
                Err(Unfit::SignatureHeader)
            }
            _ => Ok(()),
        }
    }

    /// That nothing is asked for that only a request to a webhook has.
    fn check_without_requests(&self) -> Result<(), Unfit> {
        if self.headers != StaticHeaders::default() {
            return Err(Unfit::WebhookOnly("headers"));
        }
        if self.signing.is_some() {
            return Err(Unfit::WebhookOnly("signing"));
        }
        let Transport { tls, http2, proxy } = &self.transport;
        let asked = [
            ("tls", *tls != Tls::default()),
            ("http2", *http2),
            ("proxy", proxy.is_some()),
            ("encryption", self.encryption.is_some()),
        ];
        asked.iter().find(|(_, is)| *is).map_or(Ok(()), |(member, _)| Err(Unfit::WebhookOnly(member)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&str, &str)]) -> Result<StaticHeaders, HeadersError> {
        StaticHeaders::new(given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn patience_lasts_almost_three_days() {
        let total: u32 = PATIENT_DELAYS_S.iter().sum();
        assert_eq!(total, 71 * 3600 + 35 * 60 + 5);
        assert!(Delays::new(PATIENT_DELAYS_S.to_vec()).is_ok());
        let schedule = Retry::Patient.schedule(&Schedule::default());
        assert_eq!((schedule.waits.len(), schedule.waits[1]), (9, Duration::from_secs(300)));
        assert_eq!(Retry::Contract.schedule(&Schedule::default()), Schedule::default());
    }

    #[test]
    fn delays_are_bounded_in_number_and_time() {
        assert_eq!(Delays::new(vec![1; 21]), Err(DelaysError::TooMany(21)));
        assert_eq!(Delays::new(vec![1, 0]), Err(DelaysError::Zero(1)));
        assert_eq!(Delays::new(vec![DELAYS_TOTAL_S_MAX, 1]), Err(DelaysError::TooLong(259_201)));
        assert_eq!(Delays::new(Vec::new()).unwrap().seconds(), [0; 0]);
    }

    #[test]
    fn headers_that_are_the_servers_or_break_the_request_are_refused() {
        assert!(headers(&[("x-team", "crm"), ("X-Empty", "")]).is_ok());
        for (name, value, expected) in [
            ("host", "x", HeaderError::Reserved),
            ("Content-Type", "x", HeaderError::Reserved),
            ("Webhook-Id", "x", HeaderError::Reserved),
            ("headwater-anything", "x", HeaderError::Reserved),
            ("Authorization", "x", HeaderError::Credential),
            ("x team", "x", HeaderError::Name),
            ("", "x", HeaderError::Name),
            ("x-team", "a\r\nevil: 1", HeaderError::Value),
            ("x-team", "a\0", HeaderError::Value),
            ("x-team", " a", HeaderError::Value),
            ("x-team", "ü", HeaderError::Value),
        ] {
            let fault = HeadersError::Header { name: name.to_owned(), error: expected };
            assert_eq!(headers(&[(name, value)]), Err(fault), "{name}: {value:?}");
        }
        assert!(matches!(headers(&[("x-a", "1"), ("X-A", "2")]), Err(HeadersError::Header { .. })));
        let large = "x".repeat(HEADER_VALUE_BYTES_MAX);
        let many: Vec<(String, String)> = (0..5).map(|number| (format!("x-{number}"), large.clone())).collect();
        assert!(matches!(StaticHeaders::new(many.into_iter().collect()), Err(HeadersError::TooLarge(_))));
    }
}
