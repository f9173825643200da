//! Users.

use serde::Serialize;

use super::{Change, Expect, Origin, Versioned, Write};
use crate::catalog::EventType;
use crate::clock::Timestamp;
use crate::erasure::{erased_body, subject_of};
use crate::event::{Event, Subject};
use crate::ids::UserId;
use crate::user::{Identity, User, UserProfile};

pub(super) fn user_subject(user: &User) -> Subject {
    subject_of(&user.user_id)
}

/// A new user raises `user.created`.
pub fn user_create(user: User, origin: &Origin<'_>) -> Change {
    let event = origin.event(EventType::UserCreated, user_subject(&user), &user, None::<&User>);
    Change { writes: vec![Write::UserPut(Expect::Absent, Box::new(user))], events: vec![event] }
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

/// The event that a user has gone.
pub(super) fn deleted(user: &User, origin: &Origin<'_>) -> Event {
    let object = DeletedUser { user, deleted_at: origin.now };
    origin.event(EventType::UserDeleted, user_subject(user), &object, None::<&User>)
}

/// A deleted user raises `user.deleted`.
pub fn user_delete(stored: &Versioned<User>, origin: &Origin<'_>) -> Change {
    let user = &stored.value;
    let event = deleted(user, origin);
    Change { writes: vec![Write::UserDelete(stored.revision, user.user_id.clone())], events: vec![event] }
}

/// A deleted user whose data are erased from the events so far, also from those about who became an identity of theirs.
/// It raises a `user.deleted` that is erased already.
pub fn user_erase(stored: &Versioned<User>, origin: &Origin<'_>) -> Change {
    let mut change = user_delete(stored, origin);
    for event in &mut change.events {
        event.body = erased_body(event);
    }
    let linked = stored.value.identities.iter().skip(1).map(Identity::own_user_id);
    for id in std::iter::once(stored.value.user_id.clone()).chain(linked) {
        change.writes.extend(user_erase_absent(id, origin.now).writes);
    }
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
