//! Reads the bodies of SCIM's requests.

use domain::scim::{PatchKind, PatchOperation, ScimDocument, ScimFault, ScimPath, normalized};
use serde_json::{Map, Value};

use super::error::ScimError;
use crate::payload::Payload;

/// How many operations one partial change may have.
const OPERATIONS_MAX: usize = 1000;

async fn object(payload: Payload) -> Result<Map<String, Value>, ScimError> {
    match payload.value().await? {
        Value::Object(members) => Ok(members),
        _ => Err(ScimFault::syntax("expected a JSON object").into()),
    }
}

/// A whole resource.
pub(super) async fn document(payload: Payload) -> Result<ScimDocument, ScimError> {
    Ok(normalized(object(payload).await?))
}

/// A partial change. Names have no case here either: providers write `Operations` and `operations`, `Replace` and
/// `replace`.
pub(super) async fn operations(payload: Payload) -> Result<Vec<PatchOperation>, ScimError> {
    let body = object(payload).await?;
    let Some(Value::Array(items)) = member(&body, "Operations") else {
        return Err(ScimFault::syntax("expected Operations: a list of objects with op, path and value").into());
    };
    if items.is_empty() || items.len() > OPERATIONS_MAX {
        return Err(ScimFault::syntax(format!("expected 1 to {OPERATIONS_MAX} Operations")).into());
    }
    Ok(items.iter().enumerate().map(operation).collect::<Result<_, _>>()?)
}

fn operation((index, item): (usize, &Value)) -> Result<PatchOperation, ScimFault> {
    let fault = |expected: &str| ScimFault::syntax(format!("Operations[{index}]: expected {expected}"));
    let item = item.as_object().ok_or_else(|| fault("an object"))?;
    let kind = member(item, "op").and_then(Value::as_str).and_then(PatchKind::from_name);
    let kind = kind.ok_or_else(|| fault("op: add, replace or remove"))?;
    let path = match member(item, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.is_empty() => None,
        Some(Value::String(path)) => Some(ScimPath::parse(path)?),
        Some(_) => return Err(fault("path: a text")),
    };
    Ok(PatchOperation { kind, path, value: member(item, "value").cloned() })
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
