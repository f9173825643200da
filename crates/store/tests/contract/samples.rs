//! Entities, events and changes to test with; numbers tell them apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::account::{Client, ClientGrant, ClientSecret, SecretHash};
use domain::catalog::EventType;
use domain::change::{Change, Expect, Origin, Revision, Versioned, Write, user_create};
use domain::clock::Timestamp;
use domain::connection::{Connection, ConnectionOptions, Strategy};
use domain::delivery::{Attempt, ConsoleLevel, ConsoleLine, Failure, FailureKind};
use domain::destination::{Authorization, Destination, Endpoint, Webhook};
use domain::event::{Event, Source, Subject};
use domain::ids::{ClientId, ConnectionId, EventId, GrantId, JobId, StreamId};
use domain::redelivery::JobStart;
use domain::secret::Secret;
use domain::stream::{EventStream, StreamOptions, StreamStatus};
use domain::user::{User, UserProfile};
use serde_json::Map;

use crate::backend::Counting;

pub(crate) const TENANT: &str = "acme";

/// The instant `millis` after the one that everything begins at.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub(crate) fn user(number: u64) -> User {
    let profile = UserProfile { email: Some(format!("user{number}@example.com")), ..UserProfile::default() };
    User::of_database("db", format!("{number:024x}"), profile, at(0))
}

/// A new user with its event, whose id has the user's number.
pub(crate) fn user_created(user: User, number: u64) -> Change {
    let source = Source::new(TENANT, "acme.example");
    let origin = Origin { source: &source, now: at(0), entropy: &Counting::default(), client: None, request: None };
    let mut change = user_create(user, &origin);
    change.events[0].id = EventId::from_number(number.into());
    change
}

/// A changed nickname with its event, computed from `stored`.
pub(crate) fn user_renamed(stored: &Versioned<User>, nickname: &str, number: u64) -> Change {
    let mut user = stored.value.clone();
    user.nickname = Some(nickname.to_owned());
    let event = Event { event_type: EventType::UserUpdated, ..event(number) };
    Change { writes: vec![Write::UserPut(Expect::At(stored.revision), Box::new(user))], events: vec![event] }
}

/// An event about a subject of its own, raised `number` milliseconds after the beginning.
pub(crate) fn event(number: u64) -> Event {
    Event {
        id: EventId::from_number(number.into()),
        event_type: EventType::UserCreated,
        subject: Subject::new("user", &number.to_string()),
        time: at(i64::try_from(number).unwrap()),
        body: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

pub(crate) fn raised(events: Vec<Event>) -> Change {
    Change { writes: Vec::new(), events }
}

/// An enabled stream to a webhook; later numbers are created later.
pub(crate) fn stream(number: u64) -> EventStream {
    let authorization = Authorization::Bearer { token: Secret::new(format!("token-of-stream-{number}")) };
    let endpoint = Endpoint::parse("https://hooks.example.com/in", false).unwrap();
    EventStream {
        id: StreamId::from_number(number.into()),
        name: Some(format!("stream {number}")),
        status: StreamStatus::Enabled,
        subscriptions: vec![EventType::UserCreated, EventType::UserDeleted],
        destination: Destination::Webhook(Webhook { endpoint, authorization }),
        options: StreamOptions::default(),
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn created(stream: &EventStream) -> Change {
    Write::StreamPut(Expect::Absent, Box::new(stream.clone())).into()
}

pub(crate) fn changed(revision: u64, stream: &EventStream) -> Change {
    Write::StreamPut(Expect::At(Revision(revision)), Box::new(stream.clone())).into()
}

pub(crate) fn client(number: u64) -> Client {
    let mut settings = Map::new();
    settings.insert("name".to_owned(), format!("application {number}").into());
    let hash = SecretHash::from_encoded(format!("hash-of-client-{number}"));
    let secret = ClientSecret::new(hash, Secret::new(format!("secret-of-client-{number}")));
    Client { id: ClientId::from_text(format!("client{number}")), secret, settings }
}

pub(crate) fn grant(number: u64, client: u64, audience: &str) -> ClientGrant {
    ClientGrant {
        id: GrantId::from_text(format!("cgr_{number}")),
        client_id: ClientId::from_text(format!("client{client}")),
        audience: audience.to_owned(),
        scope: vec!["read:users".to_owned(), "create:users".to_owned()],
    }
}

/// A database that one application may use; later numbers are created later.
pub(crate) fn connection(number: u64, name: &str) -> Connection {
    let id = ConnectionId::from_text(format!("con_{number}"));
    let created_at = at(i64::try_from(number).unwrap());
    let mut connection = Connection::new(id, name, Strategy::DATABASE, created_at);
    connection.enabled_clients = vec![client(1).id];
    connection
}

/// An enterprise connection with a secret among its options.
pub(crate) fn enterprise_connection(number: u64, name: &str, secret: &str) -> Connection {
    let mut connection = connection(number, name);
    connection.strategy = Strategy::from_name("okta").unwrap();
    let mut options = Map::new();
    options.insert("client_id".to_owned(), "c".into());
    options.insert("client_secret".to_owned(), secret.into());
    connection.options = ConnectionOptions::new(options);
    connection.settings.display_name = Some(format!("connection {number}"));
    connection
}

/// A failed attempt that ended `millis` after the beginning.
pub(crate) fn attempt(millis: i64) -> Attempt {
    let failure = Failure {
        kind: FailureKind::Status { status: 503, retry_after: None },
        message: "the destination answered 503".to_owned(),
        answer: Some("try later".to_owned()),
        console: vec![ConsoleLine { level: ConsoleLevel::Log, text: "about a user".to_owned() }],
        duration: Duration::from_millis(12),
    };
    Attempt::failed(at(millis), failure)
}

/// Who starts a redelivery job, `millis` after the beginning; later jobs have later ids.
pub(crate) fn start(millis: i64) -> JobStart {
    static STARTED: AtomicU64 = AtomicU64::new(1);
    let id = JobId::from_number(STARTED.fetch_add(1, Ordering::Relaxed).into());
    JobStart { id, started_by: ClientId::from_text("client1".to_owned()), at: at(millis) }
}
