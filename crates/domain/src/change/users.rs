//! Users.

use serde::Serialize;

use super::{Change, Context, Data, Expect, Origin, Versioned, Write};
use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::erasure::{erased_body, subject_of};
use crate::event::{Event, Source, Subject, render_body};
use crate::ids::{EventId, StreamId, UserId};
use crate::user::{User, UserProfile};

fn user_subject(user: &User) -> Subject {
    subject_of(&user.user_id)
}

/// A new user raises `user.created`.
pub fn user_create(user: User, origin: &Origin<'_>) -> Change {
    let event = origin.event(EventType::UserCreated, user_subject(&user), &user, None::<&User>);
    Change { writes: vec![Write::UserPut(Expect::Absent, Box::new(user))], events: vec![event] }
}

/// The event that tells one stream of a user who existed when its snapshot was begun at `as_of`, by the
/// source that the snapshot was asked of. It is made at `now`. A retry makes the same event.
pub fn user_snapshot(
    stored: &Versioned<User>,
    stream: StreamId,
    source: &Source,
    as_of: Timestamp,
    now: Timestamp,
) -> Event {
    let user = &stored.value;
    let revision = stored.revision.0.to_string();
    let id = EventId::derived(as_of, &[&stream.to_string(), user.user_id.as_str(), &revision]);
    let data = Data { object: user, previous_object: None::<&User>, context: Context::of_tenant(source) };
    let body = render_body(source, id, EventType::UserCreated, as_of, &data);
    Event { id, event_type: EventType::UserCreated, subject: user_subject(user), time: now, body }
}

/// A changed user raises `user.updated` with the whole former object; a patch without effect is no change.
pub fn user_update(stored: &Versioned<User>, patch: UserProfile, origin: &Origin<'_>) -> Option<(User, Change)> {
    let mut user = stored.value.patched(patch);
    if user == stored.value {
        return None;
    }
    user.updated_at = origin.now;
    let event = origin.event(EventType::UserUpdated, user_subject(&user), &user, Some(&stored.value));
    let write = Write::UserPut(Expect::At(stored.revision), Box::new(user.clone()));
    Some((user, Change { writes: vec![write], events: vec![event] }))
}

/// A deleted user: the last state and when it went.
#[derive(Serialize)]
struct DeletedUser<'a> {
    #[serde(flatten)]
    user: &'a User,
    deleted_at: Timestamp,
}

/// A deleted user raises `user.deleted`.
pub fn user_delete(stored: &Versioned<User>, origin: &Origin<'_>) -> Change {
    let user = &stored.value;
    let object = DeletedUser { user, deleted_at: origin.now };
    let event = origin.event(EventType::UserDeleted, user_subject(user), &object, None::<&User>);
    Change { writes: vec![Write::UserDelete(stored.revision, user.user_id.clone())], events: vec![event] }
}

/// A deleted user whose data are erased from the events so far. It raises a `user.deleted` that is erased already.
pub fn user_erase(stored: &Versioned<User>, origin: &Origin<'_>) -> Change {
    let mut change = user_delete(stored, origin);
    for event in &mut change.events {
        event.body = erased_body(event);
    }
    change.writes.extend(user_erase_absent(stored.value.user_id.clone(), origin.now).writes);
    change
}

/// Erases the data of a user who is not there any more from the events so far. It raises nothing.
pub fn user_erase_absent(id: UserId, now: Timestamp) -> Change {
    Write::UserErase(id, now).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::change::tests::{body, with_origin};
    use crate::change::{RequestContext, Revision};

    fn stored() -> Versioned<User> {
        let profile = UserProfile { email: Some("j@example.com".into()), ..UserProfile::default() };
        let user = User::of_database("db", "1".into(), profile, Timestamp::from_millis(0));
        Versioned { revision: Revision(1), value: user }
    }

    #[test]
    fn an_update_carries_the_former_object() {
        with_origin(|origin| {
            let patch = UserProfile { nickname: Some("jo".into()), ..UserProfile::default() };
            let (user, change) = user_update(&stored(), patch, origin).unwrap();
            assert_eq!(user.updated_at, origin.now);
            let json = body(&change.events[0]);
            assert_eq!(json["data"]["object"]["nickname"], "jo");
            assert_eq!(json["data"]["previous_object"]["nickname"], "j");
            assert_eq!(json["data"]["context"], json!({"tenant": {"id": "acme"}}));
        });
    }

    #[test]
    fn a_patch_without_effect_is_no_change() {
        with_origin(|origin| {
            let patch = UserProfile { email: Some("J@example.com".into()), ..UserProfile::default() };
            assert!(user_update(&stored(), patch, origin).is_none());
        });
    }

    #[test]
    fn a_snapshot_tells_what_is_and_tells_it_the_same_again() {
        let source = Source::new("acme", "acme.example");
        let (as_of, now) = (Timestamp::from_millis(1_700_000_000_000), Timestamp::from_millis(1_700_000_009_000));
        let make = |stream| user_snapshot(&stored(), StreamId::from_number(stream), &source, as_of, now);
        let event = make(1);
        assert_eq!(event, make(1));
        assert_ne!(event.id, make(2).id);
        assert_eq!(event.time, now);
        let json = body(&event);
        assert_eq!((&json["type"], &json["time"]), (&json!("user.created"), &json!(as_of)));
        assert_eq!(json["data"]["object"]["user_id"], "auth0|1");
        assert_eq!(json["data"]["context"], json!({"tenant": {"id": "acme"}}));
    }

    #[test]
    fn an_erasing_deletion_says_no_more_than_it_must() {
        with_origin(|origin| {
            let origin = Origin {
                request: Some(RequestContext {
                    geo: Map::new(),
                    hostname: "acme.example".into(),
                    ip: "192.0.2.7".into(),
                    method: "DELETE".into(),
                    user_agent: "test/1".into(),
                }),
                source: origin.source,
                now: origin.now,
                entropy: origin.entropy,
                client: None,
            };
            let change = user_erase(&stored(), &origin);
            let id = UserId::from_text("auth0|1");
            assert_eq!(change.writes, [Write::UserDelete(Revision(1), id.clone()), Write::UserErase(id, origin.now)]);
            let data = &body(&change.events[0])["data"];
            let members: Vec<_> = data["object"].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["created_at", "deleted_at", "identities", "updated_at", "user_id"]);
            assert_eq!(data["context"], json!({"tenant": {"id": "acme"}}));
        });
    }

    #[test]
    fn a_deletion_says_when() {
        with_origin(|origin| {
            let change = user_delete(&stored(), origin);
            let json = body(&change.events[0]);
            assert_eq!(json["data"]["object"]["deleted_at"], origin.now.to_string());
            assert_eq!(change.events[0].subject.as_str(), "user:auth0|1");
        });
    }
}
