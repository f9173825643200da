//! Finds one member deep in a document by parsing all of it and keeping nothing else.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How deeply data may be nested; parsers have limits, also those of receivers.
const DATA_DEPTH_MAX: u8 = 100;

/// What is at the end of a path of members.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// Of the path, `known` members are there, and the next one is not.
    Missing { known: usize },
    /// The last of the `known` members that are there is of another type than the path needs.
    Other { known: usize, found: &'static str },
}

/// Follows a path of members to a text. The whole document is parsed on the way, so that nothing is taken
/// that a parser down the line would stumble over: numbers out of range, half characters, endless nesting.
pub(super) fn follow<'a>(document: &'a RawValue, path: &[&str]) -> serde_json::Result<Found<'a>> {
    let mut deserializer = serde_json::Deserializer::from_str(document.get());
    let follow = Follow { path, known: 0, depth_left: DATA_DEPTH_MAX };
    let found = follow.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(found)
}

#[derive(Clone, Copy)]
struct Follow<'p> {
    path: &'p [&'p str],
    known: usize,
    depth_left: u8,
}

impl Follow<'_> {
    fn other<'a, E>(self, found: &'static str) -> Result<Found<'a>, E> {
        Ok(Found::Other { known: self.known, found })
    }

    fn text<'a, E>(self, text: Cow<'a, str>) -> Result<Found<'a>, E> {
        if self.known == self.path.len() { Ok(Found::Text(text)) } else { self.other("string") }
    }
}

impl<'de> DeserializeSeed<'de> for Follow<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Follow<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        self.other("null")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        self.other("boolean")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        self.other("integer")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        self.other("integer")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        self.other("number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.text(Cow::Owned(text.to_owned()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        self.text(Cow::Borrowed(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Sound { depth_left: self.depth_left }.visit_seq(items)?;
        self.other("array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Some(name) = self.path.get(self.known) else {
            Sound { depth_left: self.depth_left }.visit_map(members)?;
            return self.other("object");
        };
        let inner = Sound { depth_left: self.depth_left }.deeper()?;
        let mut found = None;
        while let Some(is_wanted) = members.next_key_seed(Is(name))? {
            if !is_wanted {
                members.next_value_seed(inner)?;
                continue;
            }
            let next = Follow { known: self.known + 1, depth_left: inner.depth_left, ..self };
            // Which of two were meant would be anybody's guess.
            if found.replace(members.next_value_seed(next)?).is_some() {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
        }
        Ok(found.unwrap_or(Found::Missing { known: self.known }))
    }
}

/// Whether a key is the one that is looked for.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// Parses whatever comes, and keeps nothing of it.
#[derive(Clone, Copy)]
struct Sound {
    depth_left: u8,
}

impl Sound {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left }),
            None => Err(E::custom(format_args!("nested more than {DATA_DEPTH_MAX} deep"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Sound {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_path_is_followed_as_far_as_it_goes() {
        let path = &["object", "group", "id"];
        let found = |text| follow(raw(text), path).unwrap();
        assert_eq!(found(r#"{"x":[1,{"y":null}],"object":{"id":1,"group":{"id":"g"}}}"#), Found::Text("g".into()));
        assert_eq!(found(r#"{"object":{"gr\u006fup":{"id":"\u0067\n"}}}"#), Found::Text("g\n".into()));
        assert_eq!(found(r#"{"group":{"id":"g"}}"#), Found::Missing { known: 0 });
        assert_eq!(found(r#"{"object":{}}"#), Found::Missing { known: 1 });
        assert_eq!(found(r#"{"object":{"group":{"name":"id"}}}"#), Found::Missing { known: 2 });
        assert_eq!(found("[{}]"), Found::Other { known: 0, found: "array" });
        assert_eq!(found(r#"{"object":"group"}"#), Found::Other { known: 1, found: "string" });
        assert_eq!(found(r#"{"object":{"group":{"id":{}}}}"#), Found::Other { known: 3, found: "object" });
        assert_eq!(found(r#"{"object":{"group":{"id":1e3}}}"#), Found::Other { known: 3, found: "number" });
    }

    #[test]
    fn what_a_parser_stumbles_over_is_found_anywhere() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let most = usize::from(DATA_DEPTH_MAX);
        let cases = [
            (nested(most - 2), true),
            (nested(most - 1), false),
            (nested(100_000), false),
            ("1e999".to_owned(), false),
            (r#""\ud800""#.to_owned(), false),
            (r#"{"\udfff":1}"#.to_owned(), false),
            (r#""\ud83d\ude00""#.to_owned(), true),
        ];
        for (value, is_sound) in cases {
            for member in ["object", "other", "id"] {
                let text = format!(r#"{{"{member}":{{"x":{value}}}}}"#);
                let found = follow(raw(&text), &["object", "id"]);
                assert_eq!(found.is_ok(), is_sound, "{text:.100}");
                // What is taken can be read again, as part of an event in a list of events.
                let event = format!(r#"[{{"data":{text}}}]"#);
                assert!(!is_sound || serde_json::from_str::<Value>(&event).is_ok());
            }
        }
        assert!(follow(raw(r#"{"object":{},"object":{"id":"1"}}"#), &["object", "id"]).is_err());
    }
}
