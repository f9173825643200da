//! An event that has arrived, and what it says of a user.

use domain::clock::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An event that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Its `id`, by which it is known again.
    pub(super) id: String,
    /// Its `type`.
    pub(super) event_type: String,
    /// Its `time`.
    pub(super) time: Timestamp,
    /// What it says of a user; `None` if it is about something else.
    pub(super) change: Option<UserChange>,
}

/// What an event says of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserChange {
    /// Whom.
    pub(super) user_id: String,
    /// How they are now; `None` if they are no more.
    pub(super) user: Option<User>,
}

/// A user as events tell of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    /// The whole of them, as it came.
    pub(super) document: String,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    time: Timestamp,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    object: Option<Box<RawValue>>,
}

impl Arrival {
    /// Reads the body of a delivery.
    ///
    /// # Errors
    /// What was expected, for the sender.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(body).map_err(|error| format!("expected JSON: {error}"))?;
        if !value.is_object() {
            return Err("expected a CloudEvent, a JSON object".into());
        }
        let envelope: Envelope = serde_json::from_slice(body)
            .map_err(|error| format!("expected a CloudEvent with id, type and time: {error}"))?;
        let Envelope { id, event_type, time, data } = envelope;
        let object = data.and_then(|data| data.object);
        let change = user_change(&event_type, object.as_deref())?;
        Ok(Self { id, event_type, time, change })
    }

    /// Whom it is about, or nobody.
    pub(super) fn user_id(&self) -> &str {
        self.change.as_ref().map_or("", |change| &change.user_id)
    }
}

fn user_change(event_type: &str, object: Option<&RawValue>) -> Result<Option<UserChange>, String> {
    let is_deleted = match event_type {
        "user.created" | "user.updated" => false,
        "user.deleted" => true,
        _ => return Ok(None),
    };
    let missing = || "expected data.object with user_id".to_owned();
    let object = object.ok_or_else(missing)?;
    let members: Value = serde_json::from_str(object.get()).map_err(|_| missing())?;
    let user_id = members["user_id"].as_str().ok_or_else(missing)?.to_owned();
    // PostgreSQL takes no NUL in texts, nor in JSON that is looked into.
    let document =
        if object.get().contains("\\u0000") { without_nul(&members).to_string() } else { object.get().into() };
    let text = |name: &str| members[name].as_str().map(|text| text.replace('\0', ""));
    let user = User { email: text("email"), name: text("name"), document };
    Ok(Some(UserChange { user_id, user: (!is_deleted).then_some(user) }))
}

fn without_nul(value: &Value) -> Value {
    let clean = |text: &String| text.replace('\0', "");
    match value {
        Value::String(text) => clean(text).into(),
        Value::Array(values) => values.iter().map(without_nul).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (clean(name), without_nul(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event_type: &str, data: &str) -> Result<Arrival, String> {
        let body = format!(r#"{{"id":"e","type":"{event_type}","time":"2026-01-16T08:50:33.955Z","data":{data}}}"#);
        Arrival::read(body.as_bytes())
    }

    #[test]
    fn users_come_change_and_go() {
        let created = read("user.created", r#"{"object":{ "user_id":"u", "email":"a@b", "age":7 }}"#).unwrap();
        let user = created.change.unwrap().user.unwrap();
        assert_eq!(
            (user.email.as_deref(), user.name, user.document.as_str()),
            (Some("a@b"), None, r#"{ "user_id":"u", "email":"a@b", "age":7 }"#)
        );
        let nul = read("user.updated", r#"{"object":{"user_id":"u","name":"a\u0000b","list":["\u0000"]}}"#).unwrap();
        let nul = nul.change.unwrap().user.unwrap();
        assert_eq!(
            (nul.name.as_deref(), nul.document.as_str()),
            (Some("ab"), r#"{"list":[""],"name":"ab","user_id":"u"}"#)
        );
        let deleted = read("user.deleted", r#"{"object":{"user_id":"u","email":"a@b"}}"#).unwrap();
        assert_eq!((deleted.user_id(), deleted.change.as_ref().unwrap().user.is_none()), ("u", true));
        let other = read("organization.created", r#"{"object":{"id":"org_1"}}"#).unwrap();
        assert_eq!((other.change, other.event_type.as_str()), (None, "organization.created"));
    }

    #[test]
    fn what_is_no_event_is_told_what_is_missing() {
        assert!(Arrival::read(b"{").unwrap_err().contains("expected JSON"));
        assert!(Arrival::read(b"[]").unwrap_err().contains("JSON object"));
        assert!(Arrival::read(br#"{"id":"e","type":"t"}"#).unwrap_err().contains("time"));
        assert!(Arrival::read(br#"{"id":"e","type":"t","time":"noon"}"#).unwrap_err().contains("RFC 3339"));
        assert!(read("user.updated", "{}").unwrap_err().contains("user_id"));
        assert!(read("user.updated", r#"{"object":{"user_id":7}}"#).unwrap_err().contains("user_id"));
    }
}
