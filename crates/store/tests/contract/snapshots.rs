//! Snapshots: a stream is told of every user who existed when it was created, once, before anything else about
//! them.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalog::EventType;
use domain::change::{Change, Versioned, Write};
use domain::event::{LoggedEvent, Seq, Source};
use domain::ids::StreamId;
use domain::place::StartFrom;
use domain::stream::{EventStream, StreamStatus};
use domain::user::User;
use serde_json::Value;
use store::{Log, SnapshotStep, State};

use crate::backend::{Backend, House};
use crate::samples::{at, changed, event, stream, user, user_created, user_renamed};

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
