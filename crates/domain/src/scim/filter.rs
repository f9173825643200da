//! Filters (RFC 7644, 3.4.2.2): what a filter says, and whether it means a resource.

mod parser;

use std::cmp::Ordering;

use serde_json::Value;

use super::{ScimDocument, ScimFault, ScimPath};
use crate::clock::Timestamp;

/// What must hold of a resource, or of one of several values.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimFilter(Expression);

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Is(Box<ScimPath>, Test),
}

/// What must hold of an attribute: of one of its values, if it has several.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    Present,
    Equal(Value),
    Unequal(Value),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
    /// How the attribute must stand to the value.
    Ordered(&'static [Ordering], Value),
}

impl ScimFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`ScimFault`] that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, ScimFault> {
        parser::parse(text, parser::Place::Resource).map(Self)
    }

    /// Reads a filter among the values of an attribute, in which there can be no other.
    pub(super) fn parse_among(text: &str) -> Result<Self, ScimFault> {
        parser::parse(text, parser::Place::Value).map(Self)
    }

    /// What must be equal, each of which must hold; whatever else must hold is left out.
    pub fn equalities(&self) -> Vec<(&ScimPath, &Value)> {
        match &self.0 {
            Expression::All(parts) => parts.iter().filter_map(Expression::equality).collect(),
            one => one.equality().into_iter().collect(),
        }
    }

    /// Whether it says nothing but what must be equal.
    pub fn is_of_equalities(&self) -> bool {
        let parts = if let Expression::All(parts) = &self.0 { parts.len() } else { 1 };
        self.equalities().len() == parts
    }

    /// Whether it asks for an attribute of the core.
    pub fn asks_for(&self, attribute: &str) -> bool {
        self.0.asks_for(attribute)
    }

    /// Whether a resource is meant.
    pub fn matches(&self, members: &ScimDocument) -> bool {
        self.0.holds(&|path| path.values(members))
    }

    /// Whether a value of an attribute with several is meant.
    pub(super) fn matches_value(&self, value: &Value) -> bool {
        match value {
            Value::Object(members) => self.matches(members),
            simple => self.0.holds(&|path| if path.is_of("value") { vec![simple] } else { Vec::new() }),
        }
    }

    /// Whether it asks for the primary value.
    pub(super) fn is_primary(&self) -> bool {
        let is_primary =
            |(path, value): &(&ScimPath, &Value)| path.is_of("primary") && is_equal(&Value::Bool(true), value);
        matches!(&self.equalities()[..], [only] if self.is_of_equalities() && is_primary(only))
    }
}

impl Expression {
    fn holds<'a>(&self, values: &impl Fn(&ScimPath) -> Vec<&'a Value>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(values)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(values)),
            Self::Not(part) => !part.holds(values),
            Self::Is(path, test) => test.holds(path, &values(path)),
        }
    }

    fn equality(&self) -> Option<(&ScimPath, &Value)> {
        match self {
            Self::Is(path, Test::Equal(value)) => Some((path, value)),
            _ => None,
        }
    }

    fn asks_for(&self, attribute: &str) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.asks_for(attribute)),
            Self::Not(part) => part.asks_for(attribute),
            Self::Is(path, _) => path.schema.is_none() && path.attribute.eq_ignore_ascii_case(attribute),
        }
    }
}

impl Test {
    /// Whether it holds of one of an attribute's values. What is not there is unequal to everything.
    fn holds(&self, path: &ScimPath, values: &[&Value]) -> bool {
        let any = |holds: &dyn Fn(&Value) -> bool| values.iter().map(|value| simple(value)).any(holds);
        let text =
            |holds: &dyn Fn(&str) -> bool| any(&|value| value.as_str().is_some_and(|text| holds(&folded(path, text))));
        match self {
            Self::Present => values.iter().any(|value| is_present(value)),
            Self::Equal(Value::Null) => !values.iter().any(|value| is_present(value)),
            Self::Equal(expected) => any(&|value| is_equal_in(path, value, expected)),
            Self::Unequal(Value::Null) => values.iter().any(|value| is_present(value)),
            Self::Unequal(expected) => !any(&|value| is_equal_in(path, value, expected)),
            Self::Contains(part) => text(&|value| value.contains(&folded(path, part))),
            Self::StartsWith(start) => text(&|value| value.starts_with(&folded(path, start))),
            Self::EndsWith(end) => text(&|value| value.ends_with(&folded(path, end))),
            Self::Ordered(wanted, other) => {
                any(&|value| order(value, other).is_some_and(|found| wanted.contains(&found)))
            }
        }
    }
}

/// What is compared of a value with parts: its `value`.
fn simple(value: &Value) -> &Value {
    value.as_object().and_then(|members| super::document::find(members, "value")).unwrap_or(value)
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Text as it is compared: without case, but for what the provider and the server know a resource by.
fn folded(path: &ScimPath, text: &str) -> String {
    if path.is_of("id") || path.is_of("externalId") { text.to_owned() } else { text.to_lowercase() }
}

fn is_equal_in(path: &ScimPath, left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => folded(path, left) == folded(path, right),
        (left, right) => is_equal(left, right),
    }
}

/// `"True"` is `true`, as some providers write it.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Bool(flag), Value::String(text)) | (Value::String(text), Value::Bool(flag)) => {
            text.eq_ignore_ascii_case(if *flag { "true" } else { "false" })
        }
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (left, right) => left == right,
    }
}

/// Which of two values comes first: times by time, numbers by size, text by its letters without case.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64()?.partial_cmp(&right.as_f64()?),
        (Value::String(left), Value::String(right)) => match (Timestamp::parse(left), Timestamp::parse(right)) {
            (Ok(left), Ok(right)) => Some(left.cmp(&right)),
            _ => Some(left.to_lowercase().cmp(&right.to_lowercase())),
        },
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jane() -> ScimDocument {
        let document = json!({
            "id": "abc", "userName": "Jane@corp.example", "externalId": "E7", "active": true, "title": "",
            "name": {"givenName": "Jane", "familyName": "Doe"}, "logins": 7,
            "emails": [{"value": "jane@corp.example", "type": "work"}, {"value": "jd@home.example", "type": "home"}],
            "meta": {"created": "2026-01-16T08:50:33.955Z"},
        });
        document.as_object().unwrap().clone()
    }

    fn means(text: &str) -> bool {
        ScimFilter::parse(text).unwrap().matches(&jane())
    }

    #[test]
    fn each_operator_means_what_the_standard_says() {
        for filter in [
            "userName eq \"jane@CORP.example\"",
            "userName ne \"jo\"",
            "nickName ne \"jo\"",
            "userName co \"CORP\"",
            "userName sw \"jane@\"",
            "name.familyName ew \"oe\"",
            "name.familyName pr",
            "emails pr",
            "nickName eq null",
            "userName ne null",
            "logins gt 6",
            "logins ge 7.0",
            "logins lt 8",
            "logins le 7",
            "userName gt \"a\"",
            "meta.created gt \"2026-01-16T09:50:33+01:00\"",
            "meta.created lt \"2026-01-16T08:50:34Z\"",
            "active eq True",
            "emails eq \"jd@home.example\"",
            "emails.type eq \"home\"",
            "emails[type eq \"work\" and value co \"corp\"]",
            "emails[not (type eq \"work\")].value sw \"jd\"",
        ] {
            assert!(means(filter), "{filter}");
        }
        for filter in [
            "userName eq \"jo\"",
            "externalId eq \"e7\"",
            "externalId sw \"e\"",
            "title pr",
            "nickName pr",
            "logins gt 7",
            "logins gt \"6\"",
            "active ne true",
            "emails[type eq \"home\" and value co \"corp\"]",
            "nickName co \"j\"",
        ] {
            assert!(!means(filter), "{filter}");
        }
    }

    #[test]
    fn and_goes_before_or_and_parentheses_before_both() {
        assert!(means("active eq true or userName eq \"x\" and userName eq \"y\""));
        assert!(!means("(active eq true or userName eq \"x\") and userName eq \"y\""));
        assert!(means("NOT (userName eq \"x\" OR userName eq \"y\") AND active eq true"));
        assert!(!means("not (active eq true)"));
    }

    #[test]
    fn equalities_are_told_apart_from_the_rest() {
        let read = |text: &str| {
            let filter = ScimFilter::parse(text).unwrap();
            let found = filter.equalities();
            let found: Vec<_> = found.into_iter().map(|(path, value)| (path.to_string(), value.clone())).collect();
            (found, filter.is_of_equalities())
        };
        let name = ("userName".to_owned(), json!("a \"b\" c"));
        assert_eq!(read(" userName  EQ \"a \\\"b\\\" c\" "), (vec![name.clone()], true));
        let both = vec![name.clone(), ("active".to_owned(), json!(true))];
        assert_eq!(read("userName eq \"a \\\"b\\\" c\" and active eq True"), (both, true));
        assert_eq!(read("userName eq \"a \\\"b\\\" c\" and active pr"), (vec![name], false));
        assert_eq!(read("userName eq \"a\" or active pr"), (vec![], false));
        let nested = vec![("emails[type eq \"work\"].value".to_owned(), json!("a@x"))];
        assert_eq!(read("emails[type eq \"work\"].value eq \"a@x\""), (nested, true));
    }

    #[test]
    fn what_it_asks_for_is_known() {
        let filter = ScimFilter::parse("id eq \"1\" and (not (members.value eq \"2\"))").unwrap();
        assert!(filter.asks_for("members") && filter.asks_for("ID") && !filter.asks_for("value"));
    }
}
