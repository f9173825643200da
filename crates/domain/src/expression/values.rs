//! JSON as the values of expressions, and back.

use std::sync::Arc;

use cel::Value;
use cel::objects::Key;
use serde_json::Value as Json;

use super::EvaluationError;

/// A value of JSON. `entries_max` grows to the length of the longest list or map in it.
pub(super) fn from_json(json: Json, entries_max: &mut usize) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        // Whole numbers are signed, so that they can be counted with; those beyond are not exact in most receivers either.
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::String(Arc::new(text)),
        Json::Array(entries) => {
            *entries_max = (*entries_max).max(entries.len());
            Value::List(Arc::new(entries.into_iter().map(|entry| from_json(entry, entries_max)).collect()))
        }
        Json::Object(members) => {
            *entries_max = (*entries_max).max(members.len());
            let members = members.into_iter();
            let members = members.map(|(name, value)| (Key::String(Arc::new(name)), from_json(value, entries_max)));
            Value::Map(cel::objects::Map { map: Arc::new(members.collect()) })
        }
    }
}

/// Writes `value` as JSON of at most `bytes_max` bytes.
pub(super) fn to_json(value: &Value, bytes_max: usize) -> Result<Vec<u8>, EvaluationError> {
    let mut writer = Writer { bytes: Vec::new(), bytes_max };
    writer.value(value)?;
    Ok(writer.bytes)
}

struct Writer {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Writer {
    fn value(&mut self, value: &Value) -> Result<(), EvaluationError> {
        match value {
            Value::Null => self.put(b"null"),
            Value::Bool(value) => self.put(if *value { b"true" } else { b"false" }),
            Value::Int(number) => self.put(number.to_string().as_bytes()),
            Value::UInt(number) => self.put(number.to_string().as_bytes()),
            Value::Float(number) if number.is_finite() => self.scalar(number),
            Value::String(text) => self.scalar(text.as_str()),
            Value::List(entries) => self.list(entries),
            Value::Map(map) => self.object(map),
            other => Err(EvaluationError::NotJsonValue(other.type_of().to_string())),
        }
    }

    fn list(&mut self, entries: &[Value]) -> Result<(), EvaluationError> {
        self.put(b"[")?;
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                self.put(b",")?;
            }
            self.value(entry)?;
        }
        self.put(b"]")
    }

    fn object(&mut self, map: &cel::objects::Map) -> Result<(), EvaluationError> {
        let mut members: Vec<_> = map.map.iter().map(|(key, value)| (key.to_string(), value)).collect();
        members.sort_by(|(left, _), (right, _)| left.cmp(right));
        self.put(b"{")?;
        for (index, (name, value)) in members.into_iter().enumerate() {
            if index > 0 {
                self.put(b",")?;
            }
            self.scalar(name.as_str())?;
            self.put(b":")?;
            self.value(value)?;
        }
        self.put(b"}")
    }

    fn scalar<T: serde::Serialize + ?Sized>(&mut self, scalar: &T) -> Result<(), EvaluationError> {
        let text = serde_json::to_vec(scalar).expect("texts and finite numbers can be written as JSON");
        self.put(&text)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), EvaluationError> {
        if self.bytes.len() + bytes.len() > self.bytes_max {
            return Err(EvaluationError::PayloadTooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
