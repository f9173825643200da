//! A JSON document of the server's: to be looked into, and to be shown as it came.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::ClientError;

/// A JSON document as the server sent it, its members in its order.
#[derive(Clone, Debug)]
pub struct Document {
    text: Box<RawValue>,
    value: Value,
}

impl Document {
    /// Reads one. An empty text is null.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`]
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let text = if text.trim().is_empty() { "null" } else { text };
        let not_json = |error| ClientError::Unexpected(format!("the answer is not JSON: {error}"));
        let text: Box<RawValue> = serde_json::from_str(text).map_err(not_json)?;
        let value = serde_json::from_str(text.get()).map_err(not_json)?;
        Ok(Self { text, value })
    }

    /// What it says.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Its text as it came.
    pub fn text(&self) -> &str {
        self.text.get()
    }

    /// A member's text, such as an id; empty if it is absent or something else.
    pub fn member(&self, name: &str) -> &str {
        self.value[name].as_str().unwrap_or_default()
    }

    /// A member as a document; null if it is absent.
    pub fn part(&self, name: &str) -> Self {
        let members: std::collections::BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(self.text()).unwrap_or_default();
        let text = members.get(name).map_or("null", |text| text.get());
        Self::parse(text).expect("a part of what was JSON is JSON")
    }

    /// The document without a member of its first level.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let Ok(Members(members)) = serde_json::from_str(self.text()) else { return self.clone() };
        let kept = members.iter().filter(|(known, _)| known != name);
        let texts: Vec<String> =
            kept.map(|(known, text)| format!("{}:{}", Value::from(known.as_str()), text.get())).collect();
        Self::parse(&format!("{{{}}}", texts.join(","))).expect("what is left of an object is one")
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] if it is none.
    pub fn elements(&self) -> Result<Vec<Self>, ClientError> {
        let texts: Vec<Box<RawValue>> = serde_json::from_str(self.text())
            .map_err(|_| ClientError::Unexpected(format!("expected a list, found {}", self.text())))?;
        texts.iter().map(|text| Self::parse(text.get())).collect()
    }

    /// The text of a list of documents.
    pub fn list_text(documents: &[Self]) -> String {
        let texts: Vec<&str> = documents.iter().map(Self::text).collect();
        format!("[{}]", texts.join(","))
    }
}

/// The members of an object, in the order they came in.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_of_members() {
        let text = r#"{"list":[{"b":1,"a":[2]},{"id":"x"}],"c":null}"#;
        let document = Document::parse(text).unwrap();
        assert_eq!(document.text(), text);
        let elements = document.part("list").elements().unwrap();
        assert_eq!((elements[0].text(), elements[1].member("id")), (r#"{"b":1,"a":[2]}"#, "x"));
        assert_eq!(Document::list_text(&elements), r#"[{"b":1,"a":[2]},{"id":"x"}]"#);
        assert!(document.part("absent").value().is_null() && document.elements().is_err());
        assert_eq!(elements[0].without("b").text(), r#"{"a":[2]}"#);
        assert_eq!(document.without("x").text(), text);
        assert!(Document::parse("").unwrap().value().is_null());
        assert!(Document::parse("<html>").is_err());
    }
}
