//! Erasing a user: what is left of the events about somebody who is to be forgotten.
//!
//! An erased event stays an event of its type, with its id, its time and its place in the log, so that nobody who
//! counts or orders events notices; of the user it keeps what the contract's schema requires, and no more.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::event::{Envelope, Event, Subject, type_name};
use crate::ids::UserId;
use crate::user::Identity;

/// `source` of a body that does not say it, which none of ours is.
const SOURCE_UNKNOWN: &str = "urn:headwater:unknown";

/// Most erased bodies are smaller.
const BODY_BYTES_USUAL: usize = 640;

/// The subject of the events about a user.
pub fn subject_of(user: &UserId) -> Subject {
    Subject::new("user", user.as_str())
}

#[derive(Serialize)]
struct ErasedData<'a> {
    object: ErasedUser<'a>,
    context: ErasedContext<'a>,
}

/// What the schema requires of a user.
#[derive(Serialize)]
struct ErasedUser<'a> {
    user_id: &'a str,
    created_at: Timestamp,
    updated_at: Timestamp,
    identities: Vec<Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct ErasedContext<'a> {
    tenant: ErasedTenant<'a>,
}

#[derive(Serialize)]
struct ErasedTenant<'a> {
    id: &'a str,
}

/// The members of a logged body that are looked at. A published event's data may hold anything, so each member
/// is read for itself, and what does not have its form counts as not there.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Logged<'a> {
    source: Option<String>,
    time: Option<Timestamp>,
    a0tenant: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LoggedData<'a> {
    #[serde(borrow)]
    object: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct LoggedUser<'a> {
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    updated_at: Option<&'a RawValue>,
    #[serde(borrow)]
    deleted_at: Option<&'a RawValue>,
    #[serde(borrow)]
    identities: Option<&'a RawValue>,
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// Those that are complete, without whatever else they say.
fn identities(raw: Option<&RawValue>) -> Vec<Identity> {
    let all: Vec<&RawValue> = read(raw).unwrap_or_default();
    let without_profile = |identity: Identity| Identity { profile_data: None, ..identity };
    all.into_iter().filter_map(|identity| read(Some(identity))).map(without_profile).collect()
}

/// The body that takes the place of that of an event about an erased user. Erasing twice changes nothing more.
/// What cannot be read of a body is not kept: then the event itself says whom it is about, and when it was.
pub fn erased_body(event: &Event) -> Bytes {
    let logged: Logged<'_> = serde_json::from_slice(&event.body).unwrap_or_default();
    let data: LoggedData<'_> = read(logged.data).unwrap_or_default();
    let user: LoggedUser<'_> = read(data.object).unwrap_or_default();
    let time = logged.time.unwrap_or(event.time);
    let at = |raw| read(raw).unwrap_or(time);
    let tenant_name = logged.a0tenant.as_deref().unwrap_or_default();
    let subject = event.subject.as_str();
    let object = ErasedUser {
        user_id: subject.split_once(':').map_or(subject, |(_, id)| id),
        created_at: at(user.created_at),
        updated_at: at(user.updated_at),
        identities: identities(user.identities),
        deleted_at: (event.event_type == EventType::UserDeleted).then(|| at(user.deleted_at)),
    };
    let envelope = Envelope {
        specversion: "1.0",
        event_type: type_name(event.event_type, &event.body),
        source: logged.source.as_deref().unwrap_or(SOURCE_UNKNOWN),
        id: event.id,
        time,
        data: &ErasedData { object, context: ErasedContext { tenant: ErasedTenant { id: tenant_name } } },
        a0purpose: None,
        a0tenant: tenant_name,
    };
    envelope.render(BODY_BYTES_USUAL)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::event::{Source, render_body};
    use crate::ids::EventId;

    const TIME: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn event(event_type: EventType, data: &Value) -> Event {
        let id = EventId::from_number(7);
        let source = Source::new("acme", "acme.example");
        let body = render_body(&source, id, event_type, TIME, data);
        let subject = subject_of(&UserId::from_text("auth0|a:1"));
        Event { id, event_type, subject, time: Timestamp::from_millis(5), body }
    }

    fn erased(event: &Event) -> Value {
        serde_json::from_slice(&erased_body(event)).unwrap()
    }

    fn rich(event_type: EventType) -> Event {
        let user = json!({
            "user_id": "auth0|a:1", "email": "jane@example.com", "nickname": "jane",
            "user_metadata": {"shoe": 42}, "last_ip": "192.0.2.7",
            "created_at": "2026-01-16T08:50:33.955Z", "updated_at": "2026-01-17T08:50:33.955Z",
            "deleted_at": "2026-01-18T08:50:33.955Z",
            "identities": [
                {"connection": "db", "user_id": "a:1", "provider": "auth0", "isSocial": false,
                 "profileData": {"email": "jane@example.com"}},
                {"connection": "jane@example.com"},
            ],
        });
        let context = json!({"tenant": {"id": "acme"}, "client": {"name": "jane"}, "request": {"ip": "192.0.2.7"}});
        event(event_type, &json!({"object": user, "previous_object": user, "context": context, "extra": "jane"}))
    }

    #[test]
    fn what_the_schema_requires_stays_and_nothing_else() {
        for event_type in [EventType::UserCreated, EventType::UserUpdated, EventType::UserDeleted] {
            let event = rich(event_type);
            let mut object = json!({
                "user_id": "auth0|a:1",
                "created_at": "2026-01-16T08:50:33.955Z",
                "updated_at": "2026-01-17T08:50:33.955Z",
                "identities": [{"connection": "db", "user_id": "a:1", "provider": "auth0", "isSocial": false}],
            });
            if event_type == EventType::UserDeleted {
                object["deleted_at"] = "2026-01-18T08:50:33.955Z".into();
            }
            let expected = json!({
                "specversion": "1.0", "type": event_type.name().unwrap(), "source": "urn:auth0:acme.example",
                "id": event.id.to_string(), "time": TIME.to_string(), "a0tenant": "acme",
                "data": {"object": object, "context": {"tenant": {"id": "acme"}}},
            });
            assert_eq!(erased(&event), expected);
        }
    }

    #[test]
    fn erasing_twice_changes_nothing_more() {
        for event_type in [EventType::UserCreated, EventType::UserDeleted] {
            let mut event = rich(event_type);
            event.body = erased_body(&event);
            assert_eq!(erased_body(&event), event.body);
        }
    }

    #[test]
    fn members_without_their_form_are_not_kept() {
        let object = json!({"created_at": "jane", "updated_at": {"by": "jane"}, "identities": "jane"});
        let found = erased(&event(EventType::UserDeleted, &json!({"object": object})));
        let time = TIME.to_string();
        let object = json!({"user_id": "auth0|a:1", "created_at": time, "updated_at": time, "deleted_at": time,
            "identities": []});
        assert_eq!(found["data"], json!({"object": object, "context": {"tenant": {"id": "acme"}}}));
    }

    #[test]
    fn a_body_that_cannot_be_read_is_overwritten_all_the_same() {
        for body in ["jane", r#"{"data": ["jane"], "source": 5}"#, ""] {
            let event = Event { body: body.into(), ..rich(EventType::UserCreated) };
            let found = erased(&event);
            assert_eq!((&found["type"], &found["id"]), (&json!("user.created"), &json!(event.id)));
            assert_eq!(found["data"]["object"]["created_at"], json!(event.time));
            assert!(!found.to_string().contains("jane"));
        }
    }
}
