//! Filters: comparisons with `eq`, joined by `and`. That is what providers ask for, by name, external id or address.

use serde_json::Value;

use super::{ScimDocument, ScimFault, ScimPath};

/// Comparisons that must all hold.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimFilter(Vec<Comparison>);

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    path: ScimPath,
    value: Value,
}

/// How many comparisons a filter may have, and how deep filters may be in one another.
const COMPARISONS_MAX: usize = 10;

impl ScimFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`ScimFault`] that says what is wrong, or what is supported.
    pub fn parse(text: &str) -> Result<Self, ScimFault> {
        let mut rest = text.trim();
        if rest.matches('[').count() > 1 {
            return Err(ScimFault::filter("a filter inside of a filter inside of a filter is not supported"));
        }
        let mut comparisons = Vec::new();
        loop {
            let (comparison, after) = comparison(rest)?;
            comparisons.push(comparison);
            if comparisons.len() > COMPARISONS_MAX {
                return Err(ScimFault::filter(format!("a filter has at most {COMPARISONS_MAX} comparisons")));
            }
            let after = after.trim_start();
            if after.is_empty() {
                return Ok(Self(comparisons));
            }
            rest = match after.split_once(char::is_whitespace) {
                Some((word, rest)) if word.eq_ignore_ascii_case("and") => rest.trim_start(),
                _ => return Err(unsupported(text)),
            };
        }
    }

    /// The paths and the values that they must have.
    pub fn comparisons(&self) -> impl Iterator<Item = (&ScimPath, &Value)> {
        self.0.iter().map(|comparison| (&comparison.path, &comparison.value))
    }

    /// Whether a value of an attribute with several is meant.
    pub(super) fn matches_value(&self, value: &Value) -> bool {
        match value {
            Value::Object(members) => self.matches(members),
            simple => self.0.iter().all(|each| each.path.is_of("value") && is_equal(simple, &each.value)),
        }
    }

    fn matches(&self, members: &ScimDocument) -> bool {
        self.0.iter().all(|each| each.path.values(members).iter().any(|value| is_equal(value, &each.value)))
    }

    /// Whether it asks for the primary value.
    pub(super) fn is_primary(&self) -> bool {
        matches!(&self.0[..], [only] if only.path.is_of("primary") && is_equal(&Value::Bool(true), &only.value))
    }
}

fn unsupported(text: &str) -> ScimFault {
    ScimFault::filter(format!(
        "expected comparisons with eq, joined by and, such as userName eq \"jane\"; found: {text}"
    ))
}

/// Text is compared without case, because no attribute that is asked for here has one; `"True"` is `true`.
fn is_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.to_lowercase() == right.to_lowercase(),
        (Value::Bool(flag), Value::String(text)) | (Value::String(text), Value::Bool(flag)) => {
            text.eq_ignore_ascii_case(if *flag { "true" } else { "false" })
        }
        (left, right) => left == right,
    }
}

/// Reads `path eq value`, and answers what follows.
fn comparison(text: &str) -> Result<(Comparison, &str), ScimFault> {
    let mut depth = 0_u32;
    let end = text.find(|each: char| {
        match each {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && each.is_whitespace()
    });
    let (path, rest) = text.split_at(end.ok_or_else(|| unsupported(text))?);
    let path = ScimPath::parse(path).map_err(|fault| ScimFault::filter(fault.detail))?;
    let rest = match rest.trim_start().split_once(char::is_whitespace) {
        Some((operator, rest)) if operator.eq_ignore_ascii_case("eq") => rest.trim_start(),
        _ => return Err(unsupported(text)),
    };
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    let value = match values.next() {
        Some(Ok(value)) => value,
        _ => {
            return other_boolean(rest)
                .map(|(value, rest)| (Comparison { path, value }, rest))
                .ok_or_else(|| unsupported(text));
        }
    };
    if value.is_object() || value.is_array() {
        return Err(unsupported(text));
    }
    let after = &rest[values.byte_offset()..];
    Ok((Comparison { path, value }, after))
}

/// `True` and `False`, as some providers write them.
fn other_boolean(text: &str) -> Option<(Value, &str)> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let value = if word.eq_ignore_ascii_case("true") {
        true
    } else if word.eq_ignore_ascii_case("false") {
        false
    } else {
        return None;
    };
    Some((Value::Bool(value), rest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Vec<(String, Value)> {
        let filter = ScimFilter::parse(text).unwrap();
        filter.comparisons().map(|(path, value)| (path.to_string(), value.clone())).collect()
    }

    #[test]
    fn comparisons_are_read() {
        assert_eq!(read("userName eq \"jane\""), [("userName".to_owned(), json!("jane"))]);
        assert_eq!(read(" userName  EQ \"a \\\"b\\\" c\" "), [("userName".to_owned(), json!("a \"b\" c"))]);
        let both = [("externalId".to_owned(), json!("7")), ("active".to_owned(), json!(true))];
        assert_eq!(read("externalId eq \"7\" and active eq True"), both);
        let nested = [("emails[type eq \"work\"].value".to_owned(), json!("a@x"))];
        assert_eq!(read("emails[type eq \"work\"].value eq \"a@x\""), nested);
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for text in [
            "",
            "userName",
            "userName eq",
            "userName eq jane",
            "userName co \"j\"",
            "a eq 1 or b eq 2",
            "a eq {}",
            "a eq 1 and",
            "(a eq 1)",
            "a eq \"1",
            "a[b[c eq 1] eq 1] eq 1",
        ] {
            assert_eq!(ScimFilter::parse(text).unwrap_err().scim_type, "invalidFilter", "{text}");
        }
        assert!(ScimFilter::parse(&["a eq 1"; 11].join(" and ")).is_err());
    }
}
