//! A resource as its provider wrote it. Names of attributes have no case (RFC 7643, 2.1); what is kept has the
//! spelling of the standard.

use serde_json::{Map, Value};

/// The attributes of a resource.
pub type ScimDocument = Map<String, Value>;

/// The names of the standard, in its spelling.
const NAMES: &[&str] = &[
    "active",
    "addresses",
    "country",
    "department",
    "display",
    "displayName",
    "emails",
    "employeeNumber",
    "entitlements",
    "externalId",
    "familyName",
    "formatted",
    "givenName",
    "groups",
    "honorificPrefix",
    "honorificSuffix",
    "ims",
    "locale",
    "locality",
    "manager",
    "members",
    "middleName",
    "name",
    "nickName",
    "organization",
    "phoneNumbers",
    "photos",
    "postalCode",
    "preferredLanguage",
    "primary",
    "profileUrl",
    "region",
    "roles",
    "schemas",
    "streetAddress",
    "timezone",
    "title",
    "type",
    "userName",
    "userType",
    "value",
    "x509Certificates",
];

/// What the server decides, or must not keep: a provider may send it, and it is passed over.
const NOT_KEPT: &[&str] = &["id", "meta", "schemas", "groups", "password"];

/// Whether an attribute is one that a provider cannot set.
pub(super) fn is_not_kept(name: &str) -> bool {
    NOT_KEPT.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// The member of this name, in any case.
pub(super) fn find<'a>(members: &'a ScimDocument, name: &str) -> Option<&'a Value> {
    members.get(name).or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The key under which a member of this name is kept.
pub(super) fn key_of(members: &ScimDocument, name: &str) -> String {
    let known = members.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str);
    let standard = || NAMES.iter().copied().find(|standard| standard.eq_ignore_ascii_case(name));
    known.or_else(standard).unwrap_or(name).to_owned()
}

/// Whether one of several values is the primary one.
pub(super) fn is_primary(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// A resource as it is kept: in the standard's spelling, booleans that were written as text as booleans, without what
/// the server decides.
pub fn normalized(given: ScimDocument) -> ScimDocument {
    let kept = given.into_iter().filter(|(name, value)| !is_not_kept(name) && !value.is_null());
    kept.map(|(name, value)| (key_of(&ScimDocument::new(), &name), value))
        .map(|(name, value)| {
            let value = normalized_value(&name, value);
            (name, value)
        })
        .collect()
}

/// See [`normalized`].
pub(super) fn normalized_value(name: &str, value: Value) -> Value {
    match value {
        Value::String(text) if matches!(name, "active" | "primary") => match text.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        Value::Object(members) => {
            let named = members.into_iter().map(|(name, value)| {
                let name = key_of(&ScimDocument::new(), &name);
                let value = normalized_value(&name, value);
                (name, value)
            });
            Value::Object(named.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| normalized_value("", item)).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_has_the_standards_spelling() {
        let given = json!({
            "schemas": ["x"], "ID": "1", "Password": "hush", "username": "jane", "Active": "False", "nickName": null,
            "emails": [{"VALUE": "a@x", "primary": "True"}], "urn:x:2.0:User": {"Department": "a"},
        });
        let kept = json!({
            "userName": "jane", "active": false, "emails": [{"value": "a@x", "primary": true}],
            "urn:x:2.0:User": {"department": "a"},
        });
        assert_eq!(Value::Object(normalized(given.as_object().unwrap().clone())), kept);
    }
}
