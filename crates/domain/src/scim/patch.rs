//! Partial changes of a resource (RFC 7644, 3.5.2), in the ways in which providers send them: with a path, with a
//! path among several values, or as an object whose keys are paths.

use serde_json::Value;

use super::document::{find, is_not_kept, key_of, normalized_value};
use super::{ScimDocument, ScimFault, ScimFilter, ScimPath};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// Adds to what is there.
    Add,
    /// Takes the place of what is there.
    Replace,
    /// Takes away what is there.
    Remove,
}

impl PatchKind {
    /// The kind with this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "add" => Some(Self::Add),
            "replace" => Some(Self::Replace),
            "remove" => Some(Self::Remove),
            _ => None,
        }
    }
}

/// One operation of a partial change.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchOperation {
    /// What it does.
    pub kind: PatchKind,
    /// What it is done to; none means the resource.
    pub path: Option<ScimPath>,
    /// The value to add or to put.
    pub value: Option<Value>,
}

impl PatchOperation {
    /// The operation as one or several that have a path each: what has none is an object whose keys are paths.
    ///
    /// # Errors
    /// [`ScimFault`] if a key is no path, or there is no object.
    pub fn with_paths(self) -> Result<Vec<(PatchKind, ScimPath, Option<Value>)>, ScimFault> {
        let Self { kind, path, value } = self;
        if let Some(path) = path {
            if kind != PatchKind::Remove && value.is_none() {
                return Err(ScimFault::value(format!("expected a value for {path}")));
            }
            return Ok(vec![(kind, path, value)]);
        }
        if kind == PatchKind::Remove {
            return Err(ScimFault { scim_type: "noTarget", detail: "expected a path: what to remove".to_owned() });
        }
        let Some(Value::Object(members)) = value else {
            return Err(ScimFault::value("expected an object as value, because there is no path"));
        };
        let each = |(key, value): (String, Value)| Ok((kind, ScimPath::parse(&key)?, Some(value)));
        members.into_iter().map(each).collect()
    }
}

/// A resource after these operations, one after another.
///
/// # Errors
/// [`ScimFault`] for the first that cannot be done; then nothing is.
pub fn patched(document: &ScimDocument, operations: Vec<PatchOperation>) -> Result<ScimDocument, ScimFault> {
    let mut document = document.clone();
    for operation in operations {
        for (kind, path, value) in operation.with_paths()? {
            if path.schema.is_none() && is_not_kept(&path.attribute) {
                continue;
            }
            apply(&mut document, kind, &path, value)?;
        }
    }
    Ok(document)
}

fn apply(document: &mut ScimDocument, kind: PatchKind, path: &ScimPath, value: Option<Value>) -> Result<(), ScimFault> {
    let container = match &path.schema {
        None => document,
        Some(schema) if kind == PatchKind::Remove && find(document, schema).is_none() => return Ok(()),
        Some(schema) => object_in(document, schema).ok_or_else(|| not_complex(path))?,
    };
    // A null takes away, as providers mean it.
    let value = value.filter(|value| !value.is_null());
    match (&path.filter, &path.sub) {
        (Some(filter), sub) => apply_among(container, kind, path, filter, sub.as_deref(), value),
        (None, None) => {
            put(container, kind, &path.attribute, value);
            Ok(())
        }
        (None, Some(sub)) => apply_sub(container, kind, path, sub, value),
    }
}

fn not_complex(path: &ScimPath) -> ScimFault {
    ScimFault::path(format!("{path} leads through an attribute that has no parts"))
}

/// The object that is a member, made if there is none.
fn object_in<'a>(members: &'a mut ScimDocument, name: &str) -> Option<&'a mut ScimDocument> {
    let key = key_of(members, name);
    members.entry(key).or_insert_with(|| Value::Object(ScimDocument::new())).as_object_mut()
}

/// Adds, puts or removes a whole member.
fn put(members: &mut ScimDocument, kind: PatchKind, name: &str, value: Option<Value>) {
    let key = key_of(members, name);
    let Some(value) = value.filter(|_| kind != PatchKind::Remove) else {
        members.remove(&key);
        return;
    };
    let value = normalized_value(&key, value);
    match (members.get_mut(&key), value) {
        (Some(Value::Array(there)), value) if kind == PatchKind::Add => {
            let added = match value {
                Value::Array(items) => items,
                single => vec![single],
            };
            for item in added {
                if !there.contains(&item) {
                    there.push(item);
                }
            }
        }
        (Some(Value::Object(there)), Value::Object(given)) => {
            for (name, value) in given {
                put(there, kind, &name, Some(value).filter(|value| !value.is_null()));
            }
        }
        (_, value) => drop(members.insert(key, value)),
    }
}

/// A part of a complex attribute; of one with several values, the part of each.
fn apply_sub(
    members: &mut ScimDocument,
    kind: PatchKind,
    path: &ScimPath,
    sub: &str,
    value: Option<Value>,
) -> Result<(), ScimFault> {
    let key = key_of(members, &path.attribute);
    if kind == PatchKind::Remove && !members.contains_key(&key) {
        return Ok(());
    }
    match members.entry(key).or_insert_with(|| Value::Object(ScimDocument::new())) {
        Value::Object(part) => put(part, kind, sub, value),
        Value::Array(items) => {
            for part in items.iter_mut().filter_map(Value::as_object_mut) {
                put(part, kind, sub, value.clone());
            }
        }
        _ => return Err(not_complex(path)),
    }
    Ok(())
}

/// Some of several values. Where none is meant by the filter, adding and putting make one that is: providers expect it.
fn apply_among(
    members: &mut ScimDocument,
    kind: PatchKind,
    path: &ScimPath,
    filter: &ScimFilter,
    sub: Option<&str>,
    value: Option<Value>,
) -> Result<(), ScimFault> {
    let key = key_of(members, &path.attribute);
    if kind == PatchKind::Remove && !members.contains_key(&key) {
        return Ok(());
    }
    let items = members.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    let items = items.as_array_mut().ok_or_else(|| ScimFault::path(format!("{path} is not one of several values")))?;
    let Some(value) = value.filter(|_| kind != PatchKind::Remove) else {
        match sub {
            None => items.retain(|item| !filter.matches_value(item)),
            Some(sub) => meant(items, filter).for_each(|part| put(part, PatchKind::Remove, sub, None)),
        }
        return Ok(());
    };
    let as_part = |value: Value| match (sub, value) {
        (Some(sub), value) => Ok(ScimDocument::from_iter([(sub.to_owned(), value)])),
        (None, Value::Object(given)) => Ok(given),
        (None, _) => Err(ScimFault::value(format!("expected an object as value of {path}"))),
    };
    let given = as_part(value)?;
    if !items.iter().any(|item| item.is_object() && filter.matches_value(item)) {
        if !filter.is_of_equalities() {
            let detail = format!("{path} means nothing that is there, and does not say what a new value would be");
            return Err(ScimFault { scim_type: "noTarget", detail });
        }
        let described = filter.equalities().into_iter().map(|(path, value)| (path.attribute.clone(), value.clone()));
        items.push(normalized_value("", Value::Object(described.collect())));
    }
    for part in meant(items, filter) {
        for (name, value) in given.clone() {
            put(part, PatchKind::Replace, &name, Some(value));
        }
    }
    Ok(())
}

fn meant<'a>(items: &'a mut [Value], filter: &'a ScimFilter) -> impl Iterator<Item = &'a mut ScimDocument> {
    items.iter_mut().filter(|item| filter.matches_value(item)).filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn operation(kind: &str, path: Option<&str>, value: Value) -> PatchOperation {
        PatchOperation {
            kind: PatchKind::from_name(kind).unwrap(),
            path: path.map(|path| ScimPath::parse(path).unwrap()),
            value: Some(value),
        }
    }

    fn after(document: Value, kind: &str, path: Option<&str>, value: Value) -> Value {
        let document = document.as_object().unwrap().clone();
        Value::Object(patched(&document, vec![operation(kind, path, value)]).unwrap())
    }

    #[test]
    fn as_entra_id_sends_them() {
        let jane = || json!({"userName": "jane", "emails": [{"type": "work", "value": "a@x", "primary": true}]});
        for (kind, path, value, name, expected) in [
            ("Replace", "active", json!("False"), "active", json!(false)),
            (
                "Replace",
                "emails[type eq \"work\"].value",
                json!("b@x"),
                "emails",
                json!([{"type": "work", "value": "b@x", "primary": true}]),
            ),
            (
                "Add",
                "emails[type eq \"home\"].value",
                json!("c@x"),
                "emails",
                json!([{"type": "work", "value": "a@x", "primary": true}, {"type": "home", "value": "c@x"}]),
            ),
            ("Add", "name.givenName", json!("Jane"), "name", json!({"givenName": "Jane"})),
            ("Replace", "userName", json!("jo"), "userName", json!("jo")),
            ("Add", &format!("{ENTERPRISE}:department"), json!("a"), ENTERPRISE, json!({"department": "a"})),
            ("Add", &format!("{ENTERPRISE}:manager.value"), json!("7"), ENTERPRISE, json!({"manager": {"value": "7"}})),
        ] {
            assert_eq!(after(jane(), kind, Some(path), value)[name], expected, "{path}");
        }
        assert_eq!(after(jane(), "Remove", Some("emails[type eq \"work\"]"), Value::Null)["emails"], json!([]));
        let without_value = after(jane(), "Remove", Some("emails[type eq \"work\"].value"), Value::Null);
        assert_eq!(without_value["emails"], json!([{"type": "work", "primary": true}]));
    }

    #[test]
    fn as_okta_sends_them() {
        let jane = json!({"userName": "jane", "name": {"givenName": "Jane", "familyName": "Doe"}, "active": true});
        let value = json!({"active": false, "name": {"givenName": "Jo"}, "id": "9", "nickname": "j",
            "name.familyName": "Roe", "title": null});
        let expected = json!({"userName": "jane", "name": {"givenName": "Jo", "familyName": "Roe"}, "active": false,
            "nickName": "j"});
        assert_eq!(after(jane, "replace", None, value), expected);
    }

    #[test]
    fn what_is_there_is_not_added_again() {
        let document = json!({"roles": [{"value": "a"}]});
        let added = after(document, "add", Some("roles"), json!([{"value": "a"}, {"value": "b"}]));
        assert_eq!(added["roles"], json!([{"value": "a"}, {"value": "b"}]));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let document = json!({"userName": "jane"}).as_object().unwrap().clone();
        let fault = |kind: &str, path: Option<&str>, value: Value| {
            patched(&document, vec![operation(kind, path, value)]).unwrap_err().scim_type
        };
        assert_eq!(fault("replace", Some("userName.x"), json!("a")), "invalidPath");
        assert_eq!(fault("add", Some("userName[value eq \"a\"]"), json!({})), "invalidPath");
        assert_eq!(fault("add", None, json!("a")), "invalidValue");
        assert_eq!(fault("remove", None, json!({})), "noTarget");
        assert_eq!(fault("add", Some("emails[type eq \"work\"]"), json!("a")), "invalidValue");
        assert_eq!(fault("add", Some("emails[value co \"corp\"].type"), json!("work")), "noTarget");
        let unsaid = PatchOperation { value: None, ..operation("add", Some("title"), Value::Null) };
        assert_eq!(patched(&document, vec![unsaid]).unwrap_err().scim_type, "invalidValue");
    }
}
