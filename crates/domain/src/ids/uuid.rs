//! UUIDs: the form of the ids of actions, and a part of names that nobody else may have.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MalformedId;
use crate::clock::Entropy;

/// Where the groups of digits end that are followed by a hyphen, in bytes.
const GROUP_ENDS: [usize; 4] = [4, 6, 8, 10];

/// A UUID; new ones are random (version 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// A new random one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0_u8; 16];
        entropy.fill(&mut bytes);
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// Reads 36 characters: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    ///
    /// # Errors
    /// [`MalformedId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MalformedId> {
        let mut rest = text.as_bytes();
        let mut bytes = [0_u8; 16];
        for (at, byte) in bytes.iter_mut().enumerate() {
            if GROUP_ENDS.contains(&at) {
                rest = rest.strip_prefix(b"-").ok_or(MalformedId)?;
            }
            let (digits, after) = rest.split_first_chunk::<2>().ok_or(MalformedId)?;
            let digit = |each: u8| char::from(each).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (high, low) = digit(digits[0]).zip(digit(digits[1])).ok_or(MalformedId)?;
            *byte = high << 4 | low;
            rest = after;
        }
        if rest.is_empty() { Ok(Self(bytes)) } else { Err(MalformedId) }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if GROUP_ENDS.contains(&at) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new random id.
            pub fn generate(entropy: &dyn Entropy) -> Self {
                Self(Uuid::generate(entropy))
            }

            /// Reads the contract's form.
            ///
            /// # Errors
            /// [`MalformedId`] for anything that is no UUID.
            pub fn parse(text: &str) -> Result<Self, MalformedId> {
                Uuid::parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

uuid_id!(
    /// An action: a UUID.
    ActionId
);
uuid_id!(
    /// A version of an action: a UUID.
    ActionVersionId
);

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(17, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn a_new_one_says_that_it_is_random_and_is_read_back() {
        let made = Uuid::generate(&Counting(0.into()));
        assert_eq!(made.to_string(), "00112233-4455-4677-8899-aabbccddeeff");
        assert_eq!(Uuid::parse(&made.to_string()), Ok(made));
        assert_eq!(Uuid::parse("00112233-4455-4677-8899-AABBCCDDEEFF"), Ok(made));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "00112233-4455-4677-8899-aabbccddeef",
            "00112233-4455-4677-8899-aabbccddeeff0",
            "001122334455467788990aabbccddeeff000",
            "00112233-4455-4677-8899-aabbccddeefg",
            "+0112233-4455-4677-8899-aabbccddeeff",
            "00112233-4455-4677-8899_aabbccddeeff",
        ] {
            assert_eq!(Uuid::parse(text), Err(MalformedId), "{text}");
        }
    }
}
