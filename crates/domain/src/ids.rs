//! Typed ids in the contract's forms (management-api.md 1.1), parsed once at the edge.

mod uuid;

use std::fmt;

use md5::{Digest, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::{Entropy, Timestamp};

pub use uuid::{ActionId, ActionVersionId, Uuid};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE58_LENGTH: usize = 22;

/// A text that has not the form of the id that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed id")]
pub struct MalformedId;

fn base58_of(mut number: u128) -> [u8; BASE58_LENGTH] {
    let mut text = [BASE58[0]; BASE58_LENGTH];
    for place in text.iter_mut().rev() {
        *place = BASE58[usize::try_from(number % 58).expect("a remainder of 58 fits")];
        number /= 58;
    }
    text
}

fn base58_parse(text: &str, prefix: &str) -> Result<[u8; BASE58_LENGTH], MalformedId> {
    let rest = text.strip_prefix(prefix).ok_or(MalformedId)?.as_bytes();
    let digits: [u8; BASE58_LENGTH] = rest.try_into().map_err(|_| MalformedId)?;
    let all_known = digits.iter().all(|digit| BASE58.contains(digit));
    if all_known { Ok(digits) } else { Err(MalformedId) }
}

macro_rules! base58_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; BASE58_LENGTH]);

        impl $name {
            /// A new id. Ids made later sort later, so that indexes over them grow at their end.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let mut random = [0_u8; 16];
                entropy.fill(&mut random);
                let millis = u64::try_from(now.as_millis()).unwrap_or(0).to_be_bytes();
                random[..6].copy_from_slice(&millis[2..]);
                Self(base58_of(u128::from_be_bytes(random)))
            }

            /// The id whose digits spell `number`, for tests and derived ids.
            pub fn from_number(number: u128) -> Self {
                Self(base58_of(number))
            }

            /// Reads the contract's form.
            pub fn parse(text: &str) -> Result<Self, MalformedId> {
                base58_parse(text, $prefix).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&self.0).expect("base58 digits are ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

base58_id!(
    /// An event, and each of its deliveries: `evt_` and 22 base58 digits. Stable across attempts,
    /// redeliveries and replays, so that a receiver can discard what it has seen.
    EventId,
    "evt_"
);
base58_id!(
    /// An event stream: `est_` and 22 base58 digits.
    StreamId,
    "est_"
);

base58_id!(
    /// A group: `grp_` and 22 base58 digits.
    GroupId,
    "grp_"
);
base58_id!(
    /// A redelivery job: `rdj_` and 22 base58 digits.
    JobId,
    "rdj_"
);

impl EventId {
    /// When the id says that it was made. An id that a producer has made up says anything.
    pub fn stated_time(self) -> Timestamp {
        let number = self.0.iter().try_fold(0_u128, |number, digit| {
            let value = BASE58.iter().position(|known| known == digit).expect("its digits are base58");
            number.checked_mul(58)?.checked_add(value as u128)
        });
        let millis = number.unwrap_or(u128::MAX) >> 80;
        Timestamp::from_millis(i64::try_from(millis).expect("48 bits fit"))
    }

    /// An id that follows from what the event is of: the same `parts` and time always give the same one.
    pub fn derived(time: Timestamp, parts: &[&str]) -> Self {
        let mut digest = Md5::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut bytes: [u8; 16] = digest.finalize().into();
        let millis = u64::try_from(time.as_millis()).unwrap_or(0).to_be_bytes();
        bytes[..6].copy_from_slice(&millis[2..]);
        Self(base58_of(u128::from_be_bytes(bytes)))
    }
}

impl StreamId {
    /// What `a0stream` says to readers of the Events API, who are no stream: one id for each tenant, always the same.
    pub fn of_events_api(tenant: TenantId) -> Self {
        let mut digest = Md5::new();
        digest.update("events api");
        digest.update(tenant.0.to_be_bytes());
        Self(base58_of(u128::from_be_bytes(digest.finalize().into())))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new random id.
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(format!("{}{}", $prefix, random_text(entropy, $length)))
            }

            /// Takes an id as it stands; an unknown one is found nowhere.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// An application: 32 letters and digits.
    ClientId,
    "",
    32
);
text_id!(
    /// A client grant: `cgr_` and 16 letters and digits.
    GrantId,
    "cgr_",
    16
);
text_id!(
    /// A connection: `con_` and 16 letters and digits.
    ConnectionId,
    "con_",
    16
);
text_id!(
    /// An organization: `org_` and 16 letters and digits.
    OrganizationId,
    "org_",
    16
);
text_id!(
    /// A role: `rol_` and 16 letters and digits.
    RoleId,
    "rol_",
    16
);
text_id!(
    /// An operator: `opr_` and 16 letters and digits.
    OperatorId,
    "opr_",
    16
);
text_id!(
    /// A session of an operator: `ses_` and 16 letters and digits. It is no secret.
    SessionId,
    "ses_",
    16
);
text_id!(
    /// An API: 24 hexadecimal digits.
    ResourceServerId,
    "",
    24
);
text_id!(
    /// A user: `auth0|` and 24 hexadecimal digits for one of the database, `strategy|id` otherwise.
    UserId,
    "",
    24
);

/// A text of `length` random letters and digits (5.95 bits each).
pub fn random_text(entropy: &dyn Entropy, length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut random = [0_u8; 64];
    while text.len() < length {
        entropy.fill(&mut random);
        // Only bytes below 4 * 62 are used, so that every character is equally likely.
        let usable = random.iter().filter(|byte| **byte < 248);
        text.extend(usable.take(length - text.len()).map(|byte| char::from(ALPHANUMERIC[usize::from(byte % 62)])));
    }
    text
}

/// The 24 hexadecimal digits of a database user's id: the time first, so that later ones sort later.
pub fn object_id(now: Timestamp, entropy: &dyn Entropy) -> String {
    let mut random = [0_u8; 6];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.as_millis()).unwrap_or(0) & 0xffff_ffff_ffff;
    let tail = random.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{millis:012x}{tail:012x}")
}

/// A tenant, by its number in the store. Not shown to anybody: people see its name and domain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TenantId(pub u32);

/// A type of events that a tenant has registered, by its number in the store: no other type of any tenant has it, nor
/// gets it when the type has gone. Not shown to anybody: people see its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RegisteredTypeId(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(7, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn stream_ids_have_the_contracts_form() {
        let entropy = Counting(3.into());
        let id = StreamId::generate(Timestamp::from_millis(1_768_553_433_955), &entropy);
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(StreamId::parse(&id.to_string()), Ok(id));
        assert_eq!(StreamId::parse("est_invalid_id_1234567890"), Err(MalformedId));
        assert_eq!(StreamId::parse(&id.to_string().replace("est_", "evt_")), Err(MalformedId));
    }

    #[test]
    fn later_ids_sort_later() {
        let entropy = Counting(200.into());
        let ids: Vec<_> = (0..100_i64)
            .map(|at| EventId::generate(Timestamp::from_millis(1_700_000_000_000 + at * 977), &entropy))
            .collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().map(ToString::to_string).is_sorted());
    }

    #[test]
    fn derived_ids_follow_from_their_parts() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let id = EventId::derived(at, &["a", "bc"]);
        assert_eq!(id, EventId::derived(at, &["a", "bc"]));
        assert_ne!(id, EventId::derived(at, &["ab", "c"]));
        assert!(id < EventId::derived(Timestamp::from_millis(1_700_000_000_001), &["a", "bc"]));
        assert_eq!(id.stated_time(), at);
        let largest = EventId::parse("evt_zzzzzzzzzzzzzzzzzzzzzz").unwrap();
        assert_eq!(largest.stated_time(), Timestamp::from_millis((1 << 48) - 1));
    }

    #[test]
    fn the_events_api_has_an_id_for_each_tenant() {
        let id = StreamId::of_events_api(TenantId(1));
        // Readers have seen it: it must not change from version to version.
        assert_eq!(id.to_string(), "est_8bhPGPYY3cr7HJBcV9YbbE");
        assert_eq!(StreamId::parse(&id.to_string()), Ok(id));
        assert_ne!(StreamId::of_events_api(TenantId(2)), id);
    }

    #[test]
    fn random_text_has_the_length_asked_for() {
        let entropy = Counting(0.into());
        assert_eq!(random_text(&entropy, 32).len(), 32);
        assert_eq!(object_id(Timestamp::from_millis(5), &entropy).len(), 24);
    }
}
