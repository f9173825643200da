//! Erasure: the bodies of the events about a user are overwritten, in steps, and nothing else changes.

use std::sync::Arc;

use domain::change::{Change, Origin, user_delete, user_erase, user_erase_absent};
use domain::delivery::{AttemptStatus, Parked, RowChange};
use domain::erasure::erased_body;
use domain::event::{Event, LoggedEvent, Seq, Source};
use domain::ids::{EventId, TenantId};
use domain::place::StartFrom;
use serde_json::Value;
use store::{ErasureStep, Log, SnapshotStep, State, StoreError};

use crate::backend::{Backend, Counting, House};
use crate::checkpoints::{failed, saved, with_rows};
use crate::samples::{TENANT, at, attempt, stream, user, user_created, user_renamed};

/// A deletion of a sample user, whose event's id has this number.
async fn deletion<B: Backend>(house: &House<'_, B>, number: u64, id: u64, erases: bool) -> Change {
    let stored = house.store.user_get(house.tenant, &user(number).user_id).await.unwrap().unwrap();
    let source = Source::new(TENANT, "acme.example");
    let origin = Origin { source: &source, now: at(900), entropy: &Counting::default(), client: None, request: None };
    let mut change = if erases { user_erase(&stored, &origin) } else { user_delete(&stored, &origin) };
    let event = &mut change.events[0];
    event.id = EventId::from_number(id.into());
    if erases {
        event.body = erased_body(event);
    }
    change
}

pub(crate) async fn erase<B: Backend>(house: &House<'_, B>, number: u64, id: u64) {
    house.commit(deletion(house, number, id, true).await).await.unwrap();
}

/// Events about the users 1 to 3, in turn: three creations and six changes.
pub(crate) async fn three_users<B: Backend>(house: &House<'_, B>) {
    for number in 1..=3 {
        house.commit(user_created(user(number), number)).await.unwrap();
    }
    for id in 4..=9 {
        let number = 1 + (id - 1) % 3;
        let stored = house.store.user_get(house.tenant, &user(number).user_id).await.unwrap().unwrap();
        let mut change = user_renamed(&stored, &format!("nick{id}"), id);
        let created = user_created(user(number), number).events.remove(0);
        let renamed = &mut change.events[0];
        *renamed = Event { body: created.body, subject: created.subject, ..renamed.clone() };
        house.commit(change).await.unwrap();
    }
}

pub(crate) async fn erase_all<B: Backend>(house: &House<'_, B>, most: u32) -> u32 {
    let mut events = 0;
    loop {
        let step = house.store.erasure_step(most).await.unwrap();
        events += step.events;
        if !step.more {
            return events;
        }
    }
}

fn is_about(logged: &LoggedEvent, number: u64) -> bool {
    logged.event.subject == domain::erasure::subject_of(&user(number).user_id)
}

/// What the log should hold once a user has been erased from `before`.
fn erased(before: &[Arc<LoggedEvent>], number: u64) -> Vec<Arc<LoggedEvent>> {
    let erase = |logged: &Arc<LoggedEvent>| {
        let mut logged = LoggedEvent::clone(logged);
        if is_about(&logged, number) {
            logged.event.body = erased_body(&logged.event);
        }
        Arc::new(logged)
    };
    before.iter().map(erase).collect()
}

fn says(logged: &LoggedEvent, text: &str) -> bool {
    std::str::from_utf8(&logged.event.body).unwrap().contains(text)
}

pub(crate) async fn of_an_erased_user_only_the_required_stays<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    three_users(&house).await;
    // The same user of another tenant is somebody else.
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    house.store.change_commit(other, user_created(user(2), 10)).await.unwrap();
    erase(&house, 2, 11).await;
    let before = house.events().await;
    let mine = |logged: &LoggedEvent, tenant: TenantId| is_about(logged, 2) && logged.tenant == tenant;
    assert_eq!(before.iter().filter(|logged| mine(logged, house.tenant) && says(logged, "user2@")).count(), 3);
    assert!(!says(&before[10], "user2@"), "the deletion itself says nothing from the beginning");
    assert_eq!(erase_all(&house, 100).await, 3);
    let mut expected = erased(&before, 2);
    expected[9] = Arc::clone(&before[9]);
    assert!(says(&expected[9], "user2@"));
    assert_eq!(house.events().await, expected, "from memory");
    let all: Vec<Seq> = (1..house.end().0).map(Seq).collect();
    assert_eq!(house.store.log_get(&all).await.unwrap(), expected, "from the disk");
    assert_eq!(house.store.erasure_step(100).await.unwrap(), ErasureStep::default());
    let house = house.reopen().await;
    assert_eq!(house.events().await, expected, "after a restart");
}

pub(crate) async fn an_erasure_goes_on_after_a_restart<B: Backend>(backend: &B) {
    let mut house = House::open(backend).await;
    three_users(&house).await;
    let before = house.events().await;
    erase(&house, 1, 10).await;
    let expected = erased(&before, 1);
    let mut steps = Vec::new();
    loop {
        let step = house.store.erasure_step(2).await.unwrap();
        steps.push(step.events);
        house = house.reopen().await;
        if !step.more {
            break;
        }
    }
    assert_eq!(steps, [1, 1, 0, 1, 0], "the positions 1, 4 and 7, two at a time");
    assert_eq!(house.events().await[..9], expected);
}

pub(crate) async fn erasures_go_together_and_end<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    three_users(&house).await;
    let before = house.events().await;
    erase(&house, 1, 10).await;
    assert!(house.store.erasure_step(5).await.unwrap().more);
    erase(&house, 2, 11).await;
    // A second request for the first, while it is under way.
    house.commit(user_erase_absent(user(1).user_id, at(950))).await.unwrap();
    erase_all(&house, 3).await;
    assert_eq!(house.events().await[..9], erased(&erased(&before, 1), 2));
    // With more events in one step than it overwrites at once.
    for round in 0..200 {
        house.commit(user_created(user(9), 100 + round)).await.unwrap();
        house.commit(deletion(&house, 9, 400 + round, false).await).await.unwrap();
    }
    house.commit(user_erase_absent(user(9).user_id, at(950))).await.unwrap();
    let step = house.store.erasure_step(10_000).await.unwrap();
    assert!(step.more && step.events > 0 && step.events < 400, "a step is bounded");
    assert_eq!(step.events + erase_all(&house, 10_000).await, 400);
    assert!(!house.events().await.iter().any(|logged| says(logged, "user9@")));
    assert_eq!(house.store.erasure_step(1).await.unwrap(), ErasureStep::default());
}

pub(crate) async fn what_receivers_answered_is_forgotten<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    three_users(&house).await;
    let parked = |seq| Parked { seq: Seq(seq), subject: 1, due: at(9), attempts: vec![attempt(1)] };
    let rows = vec![failed(1), failed(2), RowChange::Parked(parked(4)), RowChange::Parked(parked(5))];
    house.store.checkpoint_save(saved(10, vec![with_rows(id, 10, rows)])).await.unwrap();
    erase(&house, 1, 10).await;
    erase_all(&house, 100).await;
    let failure = async |number: u64| {
        house.store.failure_get(house.tenant, id, EventId::from_number(number.into())).await.unwrap().unwrap()
    };
    let one = failure(1).await;
    assert!(!std::str::from_utf8(&one.body).unwrap().contains("user1@"));
    assert_eq!((one.failed_at, one.attempts.len()), (at(501), 2));
    for kept in &one.attempts {
        assert_eq!((kept.status, kept.http_status, &kept.answer), (AttemptStatus::Failed, Some(503), &None));
        assert!(kept.console.is_empty(), "what actions wrote goes too");
    }
    assert_eq!(failure(2).await.attempts, [attempt(2), attempt(3)], "of somebody else");
    let restored = house.restored(id).await;
    assert_eq!(restored.parked[0].attempts[0].answer, None);
    assert_eq!(restored.parked[1], parked(5));
}

pub(crate) async fn a_snapshot_under_way_is_erased_too<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    three_users(&house).await;
    let source = Source::new(TENANT, "acme.example");
    let stream = stream(1);
    let start = domain::change::Write::StreamStart(Box::new(stream.clone()), StartFrom::Snapshot(source));
    house.commit(start).await.unwrap();
    // The deletion tells the snapshot of the user first.
    erase(&house, 3, 10).await;
    let told = house.events().await[9].clone();
    assert_eq!((told.only_stream, says(&told, "user3@")), (Some(stream.id), true));
    while house.store.snapshot_step(stream.id, at(5000), 9).await.unwrap() != SnapshotStep::Done {}
    assert_eq!(erase_all(&house, 4).await, 4);
    let events = house.events().await;
    assert_eq!(events.len(), 13);
    assert!(!events.iter().any(|logged| says(logged, "user3@")));
    let body: Value = serde_json::from_slice(&events[9].event.body).unwrap();
    assert_eq!((&body["type"], &body["id"]), (&"user.created".into(), &told.event.id.to_string().into()));
}

pub(crate) async fn somebody_new_with_the_same_id_is_left_alone<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.commit(user_created(user(1), 1)).await.unwrap();
    // Who is there cannot be erased without being deleted.
    let refused = house.commit(user_erase_absent(user(1).user_id, at(1))).await;
    assert!(matches!(refused, Err(StoreError::Stale)));
    erase(&house, 1, 2).await;
    house.commit(user_created(user(1), 3)).await.unwrap();
    erase_all(&house, 1).await;
    let events = house.events().await;
    assert_eq!(events.iter().map(|logged| says(logged, "user1@")).collect::<Vec<_>>(), [false, false, true]);
}
