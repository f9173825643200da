//! The members of an event in one pass, whatever types they turn out to have: a wrong one is a fault to be
//! named, not an end of the parsing.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::BATCH_EVENTS_MAX;

/// The members of an event that a rule is about.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(super) specversion: Given<'a>,
    #[serde(borrow, default)]
    pub(super) id: Given<'a>,
    #[serde(borrow, default)]
    pub(super) source: Given<'a>,
    #[serde(borrow, default, rename = "type")]
    pub(super) event_type: Given<'a>,
    #[serde(borrow, default)]
    pub(super) time: Given<'a>,
    #[serde(borrow, default)]
    pub(super) subject: Given<'a>,
    #[serde(borrow, default)]
    pub(super) datacontenttype: Given<'a>,
    #[serde(borrow, default)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) data_base64: Given<'a>,
}

/// What a member holds.
#[derive(Default)]
pub(super) enum Given<'a, O = IgnoredAny> {
    /// Nothing, or null, which CloudEvents take as nothing.
    #[default]
    Missing,
    /// A text.
    Text(Cow<'a, str>),
    /// An object.
    Object(O),
    /// Something else, by the name of its type.
    Other(&'static str),
}

impl<'de: 'a, 'a, O: Deserialize<'de>> Deserialize<'de> for Given<'a, O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor(PhantomData))
    }
}

struct GivenVisitor<'a, O>(PhantomData<(&'a (), O)>);

impl<'de: 'a, 'a, O: Deserialize<'de>> Visitor<'de> for GivenVisitor<'a, O> {
    type Value = Given<'a, O>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Given::Missing)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Given::Other("boolean"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Given::Other("integer"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Given::Other("integer"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Given::Other("number"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Given::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given::Other("array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        O::deserialize(MapAccessDeserializer::new(members)).map(Given::Object)
    }
}

/// A batch: the events that may be in one, and how many were given.
pub(super) enum Batch<'a> {
    /// A list.
    Events { events: Vec<Given<'a, Envelope<'a>>>, count: usize },
    /// Something else, by the name of its type.
    Other(&'static str),
}

impl<'de: 'a, 'a> Deserialize<'de> for Batch<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BatchVisitor(PhantomData))
    }
}

struct BatchVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for BatchVisitor<'a> {
    type Value = Batch<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Batch::Other("null"))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Batch::Other("boolean"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Batch::Other("integer"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Batch::Other("integer"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Batch::Other("number"))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Batch::Other("string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        while events.len() < BATCH_EVENTS_MAX
            && let Some(event) = items.next_element()?
        {
            events.push(event);
        }
        let mut count = events.len();
        // What is too many is counted only: to say how many there were.
        while count >= BATCH_EVENTS_MAX && items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Batch::Events { events, count })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Batch::Other("object"))
    }
}
