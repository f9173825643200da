//! A change of state together with the events it implies: pure functions from what is and what is asked
//! to what will be. A store commits a [`Change`] whole or not at all.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::account::{Client, ClientGrant};
use crate::catalog::EventType;
use crate::clock::{Entropy, Timestamp};
use crate::connection::Connection;
use crate::erasure::{erased_body, subject_of};
use crate::event::{Event, Source, Subject, render_body};
use crate::ids::{ClientId, ConnectionId, EventId, GrantId, StreamId, UserId};
use crate::place::{Resume, StartFrom};
use crate::stream::{EventStream, StreamOptions, StreamStatus};
use crate::user::{User, UserProfile};

/// How often an entity has been changed; the first is 1. A change names the revision it was computed from,
/// so that two clients cannot silently overwrite each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Revision(pub u64);

/// An entity at a revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// Which revision this is.
    pub revision: Revision,
    /// The entity.
    pub value: T,
}

/// What must hold of the stored entity for a write to go through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// There is none with this id.
    Absent,
    /// It is at this revision.
    At(Revision),
}

/// One entity's new state.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Creates or changes a user.
    UserPut(Expect, Box<User>),
    /// Removes a user.
    UserDelete(Revision, UserId),
    /// Has the data of a user who is not there (any more) erased from the events so far, asked at this time. It is
    /// done in steps, later.
    UserErase(UserId, Timestamp),
    /// Creates or changes an application.
    ClientPut(Expect, Client),
    /// Removes an application, and with it its grants.
    ClientDelete(Revision, ClientId),
    /// Creates or changes a grant.
    GrantPut(Expect, ClientGrant),
    /// Removes a grant.
    GrantDelete(Revision, GrantId),
    /// Creates or changes a connection.
    ConnectionPut(Expect, Connection),
    /// Removes a connection.
    ConnectionDelete(Revision, ConnectionId),
    /// Creates or changes an event stream. A new one starts after the last event that the log holds when
    /// the change is committed; a changed status or subscription holds from there on.
    StreamPut(Expect, Box<EventStream>),
    /// Creates an event stream that starts elsewhere in the log.
    StreamStart(Box<EventStream>, StartFrom),
    /// Changes a disabled event stream into an enabled one that also gets what it has missed. What was not
    /// saved when it was disabled may be delivered once more.
    StreamResume(Revision, Box<EventStream>, Resume),
    /// Removes a stream, its position and its failed deliveries.
    StreamDelete(Revision, StreamId),
}

/// Writes and the events they imply, committed in one transaction.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Change {
    /// The writes, in order.
    pub writes: Vec<Write>,
    /// The events, in order.
    pub events: Vec<Event>,
}

impl From<Write> for Change {
    fn from(write: Write) -> Self {
        Self { writes: vec![write], events: Vec::new() }
    }
}

/// Why something changed: `data.context` of the events (event-types.md).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Context {
    tenant: TenantContext,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<ClientContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestContext>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct TenantContext {
    id: String,
}

/// The application that asked for the change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientContext {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// Its metadata.
    pub metadata: Map<String, Value>,
}

/// The request that asked for the change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RequestContext {
    /// Where the caller is; not looked up here, so empty.
    pub geo: Map<String, Value>,
    /// The host that was asked.
    pub hostname: String,
    /// The caller's address.
    pub ip: String,
    /// The HTTP method.
    pub method: String,
    /// The caller's `user-agent`.
    pub user_agent: String,
}

/// Who raises an event, when, and why: what every change needs besides its own subject.
pub struct Origin<'a> {
    /// The tenant as events name it.
    pub source: &'a Source,
    /// The wall clock.
    pub now: Timestamp,
    /// Random bytes for new ids.
    pub entropy: &'a dyn Entropy,
    /// The application, where one asked.
    pub client: Option<ClientContext>,
    /// The request, where there was one.
    pub request: Option<RequestContext>,
}

#[derive(Serialize)]
struct Data<'a, T, P> {
    object: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_object: Option<&'a P>,
    context: Context,
}

impl Origin<'_> {
    fn event<T: Serialize, P: Serialize>(
        &self,
        event_type: EventType,
        subject: Subject,
        object: &T,
        previous_object: Option<&P>,
    ) -> Event {
        let id = EventId::generate(self.now, self.entropy);
        let context = Context {
            tenant: TenantContext { id: self.source.tenant_name.clone() },
            client: self.client.clone(),
            request: self.request.clone(),
        };
        let data = Data { object, previous_object, context };
        let body = render_body(self.source, id, event_type, self.now, &data);
        Event { id, event_type, subject, time: self.now, body }
    }
}

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
    let context = Context { tenant: TenantContext { id: source.tenant_name.clone() }, client: None, request: None };
    let data = Data { object: user, previous_object: None::<&User>, context };
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

/// What a caller wants changed of a stream; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct StreamPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new status.
    pub status: Option<StreamStatus>,
    /// The whole new list of subscriptions.
    pub subscriptions: Option<Vec<EventType>>,
    /// The whole new destination, of the same type as the stored one.
    pub destination: Option<crate::destination::Destination>,
    /// All of what the contract does not have.
    pub options: Option<StreamOptions>,
    /// Should this enable the stream: what it gets of what it has missed.
    pub resume: Resume,
}

/// The stream after `patch`; `None` if it has no effect.
pub fn stream_update(
    stored: &Versioned<EventStream>,
    patch: StreamPatch,
    now: Timestamp,
) -> Option<(EventStream, Change)> {
    let mut stream = stored.value.clone();
    stream.name = patch.name.or(stream.name);
    stream.status = patch.status.unwrap_or(stream.status);
    stream.subscriptions = patch.subscriptions.unwrap_or(stream.subscriptions);
    stream.destination = patch.destination.unwrap_or(stream.destination);
    stream.options = patch.options.unwrap_or(stream.options);
    if stream == stored.value {
        return None;
    }
    stream.updated_at = now;
    let enabled = (stored.value.status, stream.status) == (StreamStatus::Disabled, StreamStatus::Enabled);
    let new = Box::new(stream.clone());
    let write = match patch.resume {
        Resume::Position | Resume::Time(_) if enabled => Write::StreamResume(stored.revision, new, patch.resume),
        _ => Write::StreamPut(Expect::At(stored.revision), new),
    };
    Some((stream, write.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn with_origin<T>(check: impl FnOnce(&Origin<'_>) -> T) -> T {
        let source = Source::new("acme", "acme.example");
        let now = Timestamp::from_millis(1_700_000_000_000);
        check(&Origin { source: &source, now, entropy: &Zeros, client: None, request: None })
    }

    fn stored() -> Versioned<User> {
        let profile = UserProfile { email: Some("j@example.com".into()), ..UserProfile::default() };
        let user = User::of_database("db", "1".into(), profile, Timestamp::from_millis(0));
        Versioned { revision: Revision(1), value: user }
    }

    fn body(event: &Event) -> Value {
        serde_json::from_slice(&event.body).unwrap()
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
    fn enabling_says_what_is_delivered_of_the_missed() {
        let stream = crate::subscription::tests::stream(StreamStatus::Disabled);
        let stored = Versioned { revision: Revision(3), value: stream };
        let update = |status, resume| {
            let patch = StreamPatch { status, resume, ..StreamPatch::default() };
            stream_update(&stored, patch, Timestamp::from_millis(5)).map(|(_, change)| change.writes)
        };
        let enabled = Some(StreamStatus::Enabled);
        assert!(matches!(update(enabled, Resume::Now).as_deref(), Some([Write::StreamPut(..)])));
        let resumed = update(enabled, Resume::Position);
        assert!(matches!(resumed.as_deref(), Some([Write::StreamResume(Revision(3), _, Resume::Position)])));
        assert_eq!(update(None, Resume::Position), None);
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
