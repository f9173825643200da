//! Snapshots: a stream is told of everything that existed when it was created, once, before anything else about it.

mod groups;

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::EventType;
use domain::change::{
    Change, ConnectionPatch, Expect, Versioned, Write, connection_create, connection_delete, connection_update,
    identity_link, identity_unlink, members_remove, organization_delete,
};
use domain::event::{LoggedEvent, Seq, Source};
use domain::ids::StreamId;
use domain::place::StartFrom;
use domain::stream::{EventStream, StreamStatus};
use domain::user::User;
use serde_json::Value;
use store::{Connections, Log, SnapshotStep, State};

pub(crate) use self::groups::{
    groups_are_told_of_before_what_is_in_them_and_before_any_change,
    what_goes_with_what_a_group_is_of_is_told_of_no_more,
};
use crate::backend::{Backend, House};
use crate::organizations::{from_origin, member};
use crate::samples::{at, changed, connection, enterprise_connection, event, stream, user, user_created, user_renamed};

fn with_snapshot(stream: &EventStream) -> Change {
    let source = Source::new("acme", "acme.example");
    Write::StreamStart(Box::new(stream.clone()), StartFrom::Snapshot(source)).into()
}

async fn stored<B: Backend>(house: &House<'_, B>, number: u64) -> Versioned<User> {
    house.store.user_get(house.tenant, &user(number).user_id).await.unwrap().unwrap()
}

async fn create<B: Backend>(house: &House<'_, B>, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        house.commit(user_created(user(number), number)).await.unwrap();
    }
}

/// Gives a user another nickname, in an event about the user whose id has the number `id`.
async fn rename<B: Backend>(house: &House<'_, B>, number: u64, id: u64) {
    let stored = stored(house, number).await;
    let mut change = user_renamed(&stored, &format!("nick{id}"), id);
    change.events[0].subject = domain::event::Subject::new("user", stored.value.user_id.as_str());
    house.commit(change).await.unwrap();
}

async fn delete<B: Backend>(house: &House<'_, B>, number: u64, id: u64) {
    let stored = stored(house, number).await;
    let subject = domain::event::Subject::new("user", stored.value.user_id.as_str());
    let event = domain::event::Event { event_type: EventType::UserDeleted, subject, ..event(id) };
    let write = Write::UserDelete(stored.revision, stored.value.user_id);
    house.commit(Change { writes: vec![write], events: vec![event] }).await.unwrap();
}

async fn step<B: Backend>(house: &House<'_, B>, id: StreamId, most: u32) -> SnapshotStep {
    house.store.snapshot_step(id, at(5000), most).await.unwrap()
}

/// The events that only one stream gets, by the user they are about: their nicknames and positions.
async fn told<B: Backend>(house: &House<'_, B>, id: StreamId) -> BTreeMap<String, Vec<(Seq, Value)>> {
    let mut told: BTreeMap<String, Vec<(Seq, Value)>> = BTreeMap::new();
    for logged in house.events().await.iter().filter(|logged| logged.only_stream == Some(id)) {
        let body: Value = serde_json::from_slice(&logged.event.body).unwrap();
        assert_eq!((&body["type"], logged.event.event_type), (&"user.created".into(), EventType::UserCreated));
        told.entry(logged.event.subject.as_str().to_owned()).or_default().push((logged.seq, body));
    }
    told
}

fn subject(number: u64) -> String {
    format!("user:{}", user(number).user_id)
}

pub(crate) async fn everybody_is_told_of_once_as_they_were<B: Backend>(backend: &B) {
    let mut house = House::open(backend).await;
    create(&house, 1..=20).await;
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    house.store.change_commit(other, user_created(user(50), 50)).await.unwrap();
    delete(&house, 7, 100).await;
    let stream = stream(1);
    house.commit(with_snapshot(&stream)).await.unwrap();
    let start = house.end();
    assert_eq!(house.store.snapshot_streams().await.unwrap(), [stream.id]);
    assert_eq!(step(&house, stream.id, 5).await, SnapshotStep::More);
    // Before their turn, after it, created since, gone since, and the last one, whose number is free then.
    rename(&house, 15, 101).await;
    rename(&house, 15, 102).await;
    rename(&house, 2, 103).await;
    delete(&house, 9, 104).await;
    delete(&house, 20, 105).await;
    create(&house, [60, 61]).await;
    house = house.reopen().await;
    rename(&house, 60, 106).await;
    assert_eq!(step(&house, stream.id, 5).await, SnapshotStep::More);
    delete(&house, 15, 107).await;
    rename(&house, 16, 108).await;
    while step(&house, stream.id, 5).await == SnapshotStep::More {}
    assert_eq!(step(&house, stream.id, 5).await, SnapshotStep::Done);
    assert_eq!(house.store.snapshot_streams().await.unwrap(), []);
    rename(&house, 18, 109).await;

    let told = told(&house, stream.id).await;
    let expected: BTreeSet<String> = (1..=20).filter(|number| *number != 7).map(subject).collect();
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let mut ids = BTreeSet::new();
    let all = house.events().await;
    for (subject, events) in &told {
        let [(seq, body)] = events.as_slice() else { panic!("{subject} is told of {} times", events.len()) };
        assert!(*seq >= start);
        assert_eq!(
            body["data"]["object"]["nickname"],
            body["data"]["object"]["email"].as_str().unwrap().split('@').next().unwrap(),
            "as they were"
        );
        assert_eq!(body["time"], stream.created_at.to_string());
        ids.insert(body["id"].to_string());
        let others = |logged: &&std::sync::Arc<LoggedEvent>| {
            logged.event.subject.as_str() == subject && logged.only_stream.is_none() && logged.seq >= start
        };
        assert!(all.iter().filter(others).all(|logged| logged.seq > *seq), "{subject}: nothing comes before it");
    }
    assert_eq!(ids.len(), told.len());
}

pub(crate) async fn a_snapshot_waits_for_its_stream<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    create(&house, 1..=4).await;
    let mut stream = stream(1);
    house.commit(with_snapshot(&stream)).await.unwrap();
    assert_eq!(step(&house, stream.id, 2).await, SnapshotStep::More);
    stream.status = StreamStatus::Disabled;
    house.commit(changed(1, &stream)).await.unwrap();
    assert_eq!(step(&house, stream.id, 2).await, SnapshotStep::Waiting);
    assert_eq!(house.store.snapshot_streams().await.unwrap(), [stream.id]);
    stream.status = StreamStatus::Enabled;
    house.commit(changed(2, &stream)).await.unwrap();
    assert_eq!(step(&house, stream.id, 9).await, SnapshotStep::Done);
    assert_eq!(told(&house, stream.id).await.len(), 4);
}

pub(crate) async fn a_stream_that_wants_or_is_nothing_is_told_nothing<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let empty = stream(1);
    house.commit(with_snapshot(&empty)).await.unwrap();
    assert_eq!(step(&house, empty.id, 9).await, SnapshotStep::Done);
    create(&house, 1..=4).await;
    let mut other = stream(2);
    other.subscriptions = vec![EventType::UserUpdated];
    house.commit(with_snapshot(&other)).await.unwrap();
    assert_eq!(house.store.snapshot_streams().await.unwrap(), []);
    let gone = stream(3);
    house.commit(with_snapshot(&gone)).await.unwrap();
    house.commit(Write::StreamDelete(domain::change::Revision(1), gone.id)).await.unwrap();
    rename(&house, 3, 101).await;
    assert_eq!(step(&house, gone.id, 9).await, SnapshotStep::Done);
    assert!(house.events().await.iter().all(|logged| logged.only_stream.is_none()));
}

pub(crate) async fn a_change_that_is_refused_tells_nobody<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    create(&house, 1..=2).await;
    let stale = stored(&house, 1).await;
    rename(&house, 1, 101).await;
    let stream = stream(1);
    house.commit(with_snapshot(&stream)).await.unwrap();
    house.commit(user_renamed(&stale, "late", 102)).await.unwrap_err();
    assert_eq!(told(&house, stream.id).await.len(), 0);
    assert_eq!(step(&house, stream.id, 9).await, SnapshotStep::Done);
    assert_eq!(told(&house, stream.id).await[&subject(1)][0].1["data"]["object"]["nickname"], "nick101");
}

fn with_organizations(number: u64) -> EventStream {
    let mut stream = stream(number);
    stream.subscriptions = EventType::ALL.to_vec();
    stream
}

/// The types and ids of what only one stream gets and of what came since, in the order of the log: `own` says which.
async fn since<B: Backend>(house: &House<'_, B>, id: StreamId, start: Seq) -> Vec<(bool, &'static str, Value)> {
    let events = house.events().await;
    let events = events.iter().filter(|logged| logged.seq >= start && logged.is_for(id));
    let read = |logged: &std::sync::Arc<LoggedEvent>| {
        let body: Value = serde_json::from_slice(&logged.event.body).unwrap();
        (logged.only_stream.is_some(), logged.event.event_type.name().unwrap(), body["data"]["object"].clone())
    };
    events.map(read).collect()
}

pub(crate) async fn organizations_are_told_of_before_what_is_in_them_and_before_any_change<B: Backend>(backend: &B) {
    let mut house = House::open(backend).await;
    create(&house, 1..=3).await;
    for number in 1..=3 {
        house.create_organization(number).await;
        house.create_role(number).await;
    }
    house.create_connection(1).await;
    for number in 1..=3 {
        house.join(number, &[1, 2]).await;
        house.enable(number, 1).await;
        house.assign(&member(number, 1), 1).await;
    }
    let stream = with_organizations(1);
    house.commit(with_snapshot(&stream)).await.unwrap();
    let start = house.end();
    // Before their turn: a rename, a new role of a member, a member who leaves, an organization that goes.
    house.rename_organization(1, "renamed").await;
    house.assign(&member(2, 2), 2).await;
    let stored = house.organization(2).await;
    let leaves = vec![user(1).user_id];
    house.commit(from_origin(|origin| members_remove(&stored, leaves, origin))).await.unwrap();
    let stored = house.organization(3).await;
    house.commit(from_origin(|origin| organization_delete(&stored, origin))).await.unwrap();
    house.create_organization(4).await;
    house.join(4, &[3]).await;
    house = house.reopen().await;
    while step(&house, stream.id, 2).await == SnapshotStep::More {}
    assert_eq!(house.store.snapshot_streams().await.unwrap(), []);

    let seen = since(&house, stream.id, start).await;
    let place = |own: bool, name: &str, path: &str, id: &str| {
        let is_meant = |(is_own, event_type, object): &(bool, &'static str, Value)| {
            *is_own == own && *event_type == name && object.pointer(path).is_some_and(|found| found == id)
        };
        let places: Vec<_> = seen.iter().enumerate().filter(|(_, event)| is_meant(event)).map(|(at, _)| at).collect();
        assert!(places.len() <= 1, "{name} {id} is told {} times", places.len());
        places.first().copied()
    };
    let created = |number: u64| place(true, "organization.created", "/id", &format!("org_{number}"));
    let named = |number: u64| &seen[created(number).unwrap()].2["name"];
    assert_eq!((named(1), named(2), named(3)), (&"name1".into(), &"name2".into(), &"name3".into()), "as they were");
    assert_eq!(created(4), None, "it was created later");
    assert!(created(1) < place(false, "organization.updated", "/id", "org_1"));
    assert!(created(3) < place(false, "organization.deleted", "/id", "org_3"));
    let count = |own: bool, name: &str, organization: &str| {
        let is_meant = |event: &&(bool, &'static str, Value)| {
            event.0 == own && event.1 == name && event.2["organization"]["id"] == organization
        };
        seen.iter().filter(is_meant).count()
    };
    let (added, assigned) = ("organization.member.added", "organization.member.role.assigned");
    assert_eq!((count(true, added, "org_1"), count(true, added, "org_2"), count(true, added, "org_3")), (2, 2, 0));
    assert_eq!((count(true, assigned, "org_1"), count(true, assigned, "org_2")), (1, 0), "one went with its member");
    assert_eq!(count(true, "organization.connection.added", "org_1"), 1);
    assert_eq!((count(true, added, "org_4"), count(false, added, "org_4")), (0, 1));
    // Whatever a receiver hears of an organization or a member, it knows it by then.
    let mut known = BTreeSet::new();
    for (_, name, object) in seen.iter().filter(|(_, name, _)| name.starts_with("organization.")) {
        let organization = object["organization"]["id"].as_str().or(object["id"].as_str()).unwrap();
        let of_member = format!("{organization}/{}", object["user"]["user_id"]);
        match *name {
            "organization.created" => assert!(known.insert(organization.to_owned())),
            "organization.member.added" => {
                assert!(known.contains(organization) && known.insert(of_member), "{name} {object}");
            }
            _ if object.get("user").is_some() => assert!(known.contains(&of_member), "{name} {object}"),
            _ => assert!(known.contains(organization), "{name} {object}"),
        }
    }
}

pub(crate) async fn linked_users_are_told_of_as_they_were<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    create(&house, 1..=4).await;
    let link = async |primary: u64, secondary: u64| {
        let (one, other) = (stored(&house, primary).await, stored(&house, secondary).await);
        house.commit(from_origin(|origin| identity_link(&one, &other, origin).1)).await.unwrap();
    };
    link(1, 2).await;
    let stream = stream(1);
    house.commit(with_snapshot(&stream)).await.unwrap();
    link(3, 4).await;
    let one = stored(&house, 1).await;
    let local_id = one.value.identities[1].user_id.clone();
    house.commit(from_origin(|origin| identity_unlink(&one, "auth0", &local_id, origin)).unwrap().1).await.unwrap();
    while step(&house, stream.id, 1).await == SnapshotStep::More {}
    let told = told(&house, stream.id).await;
    let expected: BTreeSet<String> = [1, 3, 4].map(subject).into();
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), expected, "the linked one was nobody");
    let identities =
        |number: u64| told[&subject(number)][0].1["data"]["object"]["identities"].as_array().unwrap().len();
    assert_eq!((identities(1), identities(3), identities(4)), (2, 1, 1));
}

pub(crate) async fn connections_that_raise_events_are_told_of_as_they_were<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let put = |expect, connection| Change::from(Write::ConnectionPut(expect, connection));
    house.commit(put(Expect::Absent, connection(1, "database"))).await.unwrap();
    for number in 2..=4 {
        let name = format!("corp{number}");
        house.commit(put(Expect::Absent, enterprise_connection(number, &name, "hush"))).await.unwrap();
    }
    let stream = with_organizations(1);
    house.commit(with_snapshot(&stream)).await.unwrap();
    let stored = async |number: u64| {
        let id = connection(number, "").id;
        house.store.connection_get(house.tenant, &id).await.unwrap().unwrap()
    };
    let patch = ConnectionPatch { display_name: Some("renamed".into()), ..ConnectionPatch::default() };
    let changed = stored(3).await;
    house.commit(from_origin(|origin| connection_update(&changed, &patch, origin)).unwrap().1).await.unwrap();
    let gone = stored(4).await;
    house.commit(from_origin(|origin| connection_delete(&gone, origin))).await.unwrap();
    let late = enterprise_connection(5, "late", "hush");
    house.commit(from_origin(|origin| connection_create(late, origin))).await.unwrap();
    while step(&house, stream.id, 1).await == SnapshotStep::More {}
    let seen = since(&house, stream.id, Seq::ZERO).await;
    let own: Vec<_> = seen.iter().filter(|(is_own, ..)| *is_own).collect();
    let mut names: Vec<_> = own.iter().map(|(_, _, object)| object["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["corp2", "corp3", "corp4"]);
    for (_, event_type, object) in own {
        assert_eq!(*event_type, "connection.created");
        assert_ne!(object["display_name"], "renamed", "as they were");
        assert!(!object.to_string().contains("hush"));
    }
}
