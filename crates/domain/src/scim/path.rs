//! Paths to attributes: `name.givenName`, `emails[type eq "work"].value`, `urn:…:User:department`.

use std::fmt;

use super::{ScimDocument, ScimFault, ScimFilter};
use crate::scim::document::{find, is_primary};
use serde_json::Value;

/// The longest path that is looked at.
const CHARS_MAX: usize = 1024;

/// A path to an attribute, or to a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimPath {
    text: String,
    /// The extension that the attribute is of; none for the core.
    pub(super) schema: Option<String>,
    pub(super) attribute: String,
    /// Which of several values are meant.
    pub(super) filter: Option<ScimFilter>,
    pub(super) sub: Option<String>,
}

impl ScimPath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`ScimFault`] that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, ScimFault> {
        let fault = || ScimFault::path(format!("expected an attribute path such as name.givenName, found: {text}"));
        if text.chars().count() > CHARS_MAX {
            return Err(ScimFault::path(format!("a path has at most {CHARS_MAX} characters")));
        }
        let trimmed = text.trim();
        let (schema, rest) = split_schema(trimmed);
        let (attribute, filter, sub) = match rest.split_once('[') {
            None if schema_is_attribute(trimmed) => (trimmed, None, None),
            None => match rest.split_once('.') {
                None => (rest, None, None),
                Some((attribute, sub)) => (attribute, None, Some(sub)),
            },
            Some((attribute, rest)) => {
                let (filter, after) = rest.rsplit_once(']').ok_or_else(fault)?;
                let sub = match after {
                    "" => None,
                    after => Some(after.strip_prefix('.').ok_or_else(fault)?),
                };
                (attribute, Some(ScimFilter::parse_among(filter)?), sub)
            }
        };
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|each| each.is_ascii_alphanumeric() || "_-$".contains(each))
        };
        if !(is_name(attribute) || schema_is_attribute(trimmed)) || !sub.is_none_or(is_name) {
            return Err(fault());
        }
        Ok(Self {
            text: trimmed.to_owned(),
            schema: schema.map(str::to_owned),
            attribute: attribute.to_owned(),
            filter,
            sub: sub.map(str::to_owned),
        })
    }

    /// The path as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is the whole of this attribute of the core, or of some of its values.
    pub fn is_of(&self, attribute: &str) -> bool {
        self.schema.is_none() && self.sub.is_none() && self.attribute.eq_ignore_ascii_case(attribute)
    }

    /// Which of the attribute's values are meant.
    pub fn filter(&self) -> Option<&ScimFilter> {
        self.filter.as_ref()
    }

    /// Every value that is there.
    pub fn values<'a>(&self, document: &'a ScimDocument) -> Vec<&'a Value> {
        let container = match &self.schema {
            None => Some(document),
            Some(schema) => find(document, schema).and_then(Value::as_object),
        };
        let Some(found) = container.and_then(|container| find(container, &self.attribute)) else { return Vec::new() };
        let several = match found {
            Value::Array(items) => items.iter().collect(),
            single => vec![single],
        };
        let meant: Vec<&Value> = match &self.filter {
            None => several,
            Some(filter) => several.into_iter().filter(|value| filter.matches_value(value)).collect(),
        };
        match &self.sub {
            None => meant,
            Some(sub) => meant.into_iter().filter_map(|value| find(value.as_object()?, sub)).collect(),
        }
    }

    /// The one value that is meant: the first, or the primary one of several. Where the primary one is asked for and
    /// none is marked as such, it is the first.
    pub fn value<'a>(&self, document: &'a ScimDocument) -> Option<&'a Value> {
        let first = self.values(document).into_iter().find(|value| !value.is_null());
        if first.is_some() || !self.filter.as_ref().is_some_and(ScimFilter::is_primary) {
            return first;
        }
        let any = Self { filter: None, sub: None, ..self.clone() };
        let several = any.values(document);
        if several.iter().any(|value| is_primary(value)) {
            return None;
        }
        let value = *several.first()?;
        self.sub.as_ref().map_or(Some(value), |sub| find(value.as_object()?, sub))
    }
}

impl fmt::Display for ScimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

const CORE: &[&str] = &["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"];

/// Whether the text is the name of an extension, which is an attribute of its own.
fn schema_is_attribute(text: &str) -> bool {
    is_urn(text) && !text.contains('[') && text.rsplit_once(':').is_some_and(|(before, _)| before.ends_with(".0"))
}

fn is_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

/// The extension and the rest; the core's own name is left out.
fn split_schema(text: &str) -> (Option<&str>, &str) {
    if !is_urn(text) || schema_is_attribute(text) {
        return (None, text);
    }
    // A filter may hold anything, colons among it.
    let head = text.split_once('[').map_or(text, |(head, _)| head);
    let Some((schema, _)) = head.rsplit_once(':') else { return (None, text) };
    let rest = &text[schema.len() + 1..];
    if CORE.iter().any(|core| core.eq_ignore_ascii_case(schema)) { (None, rest) } else { (Some(schema), rest) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn document() -> ScimDocument {
        let document = json!({
            "userName": "jane", "name": {"givenName": "Jane"},
            "emails": [{"value": "a@x", "type": "home"}, {"value": "b@x", "type": "work", "primary": true}],
            "phoneNumbers": [{"value": "1"}, {"value": "2"}],
            ENTERPRISE: {"department": "R&D", "manager": {"value": "7"}},
        });
        document.as_object().unwrap().clone()
    }

    fn value(path: &str) -> Option<Value> {
        ScimPath::parse(path).unwrap().value(&document()).cloned()
    }

    #[test]
    fn values_are_found() {
        for (path, expected) in [
            ("username", Some(json!("jane"))),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", Some(json!("jane"))),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName", Some(json!("Jane"))),
            ("name.GivenName", Some(json!("Jane"))),
            ("emails[type eq \"work\"].value", Some(json!("b@x"))),
            ("emails[primary eq true].value", Some(json!("b@x"))),
            ("emails.value", Some(json!("a@x"))),
            ("emails[type eq \"other\"].value", None),
            ("phoneNumbers[primary eq true].value", Some(json!("1"))),
            ("title", None),
            (&format!("{ENTERPRISE}:department"), Some(json!("R&D"))),
            (&format!("{ENTERPRISE}:manager.value"), Some(json!("7"))),
        ] {
            assert_eq!(value(path), expected, "{path}");
        }
        assert_eq!(value(ENTERPRISE), Some(document()[ENTERPRISE].clone()));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in
            ["", "a b", "a..b", "a.", "emails[type eq \"work\"", "emails[type]", "emails[x eq 1]y", ".a", "a[b", "é"]
        {
            assert!(ScimPath::parse(path).is_err(), "{path}");
        }
        assert!(ScimPath::parse(&"a".repeat(2000)).is_err());
    }
}
