//! A change and its event are one transaction (invariant 1), also among others in the same commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::change::{Change, Expect, Revision, Write};
use domain::ids::EventId;
use store::{Conflict, Log, State, StoreError};
use tokio::task::JoinSet;

use crate::backend::{Backend, House, bounded};
use crate::samples::{self, user, user_created, user_renamed};

fn id(number: u64) -> String {
    EventId::from_number(number.into()).to_string()
}

pub(crate) async fn an_answered_change_has_its_event_and_survives<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    for number in 1..=3 {
        house.commit(user_created(user(number), number)).await.unwrap();
    }
    let stored = house.store.user_get(house.tenant, &user(2).user_id).await.unwrap().unwrap();
    assert_eq!((stored.revision, &stored.value), (Revision(1), &user(2)));
    house.commit(user_renamed(&stored, "two", 4)).await.unwrap();

    let events = house.events().await;
    let house = house.reopen().await;
    assert_eq!(house.events().await, events);
    assert_eq!(house.log().await, [(1, id(1)), (2, id(2)), (3, id(3)), (4, id(4))]);
    assert_eq!(events[0].event, user_created(user(1), 1).events[0]);
    assert_eq!(events[0].tenant, house.tenant);
    let stored = house.store.user_get(house.tenant, &user(2).user_id).await.unwrap().unwrap();
    assert_eq!((stored.revision, stored.value.nickname.as_deref()), (Revision(2), Some("two")));
    assert_eq!(house.end().0, 5);
}

/// A change with two writes, of which the second cannot be made.
fn half_refused(number: u64) -> Change {
    let mut change = user_created(user(number), number);
    change.writes.push(Write::ClientPut(Expect::At(Revision(9)), samples::client(number)));
    change
}

pub(crate) async fn a_refused_change_leaves_neither_state_nor_event<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.commit(user_created(user(1), 1)).await.unwrap();
    let stream = house.stream(1).await;
    let stored = house.store.user_get(house.tenant, &user(1).user_id).await.unwrap().unwrap();
    house.commit(user_renamed(&stored, "newer", 2)).await.unwrap();
    let heads = *house.store.heads().borrow();

    let mut same_address = user(7);
    same_address.email = user(1).email;
    let mut same_name = samples::stream(8);
    same_name.name = stream.name.clone();
    let named = Change { writes: samples::created(&same_name).writes, events: vec![samples::event(8)] };
    assert!(matches!(house.commit(user_renamed(&stored, "older", 6)).await, Err(StoreError::Stale)));
    let taken = house.commit(user_created(same_address, 7)).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::User))), "{taken:?}");
    let taken = house.commit(named).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::StreamName))), "{taken:?}");
    assert!(matches!(house.commit(half_refused(9)).await, Err(StoreError::Stale)));

    assert_eq!(*house.store.heads().borrow(), heads, "nobody is woken for nothing");
    house.commit(user_created(user(10), 10)).await.unwrap();
    let house = house.reopen().await;
    assert_eq!(house.log().await, [(1, id(1)), (2, id(2)), (3, id(10))], "the positions have no gap");
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 2);
    let stored = house.store.user_get(house.tenant, &user(1).user_id).await.unwrap().unwrap();
    assert_eq!(stored.value.nickname.as_deref(), Some("newer"));
    assert_eq!(house.store.stream_get(house.tenant, same_name.id).await.unwrap(), None);
    assert_eq!(house.store.stream_restore(same_name.id).await.unwrap(), None);
    assert_eq!(house.store.stream_page(house.tenant, None, 10).await.unwrap(), [stream]);
}

/// What the crowd below asks for: a quarter of it must be refused, and of those with the same address all
/// but one.
fn one_of_the_crowd(number: u64, stale: &domain::change::Versioned<domain::user::User>) -> Change {
    match number % 4 {
        0 => half_refused(number),
        1 => user_renamed(stale, "older", number),
        2 => {
            let mut same_address = user(number);
            same_address.email = Some("wanted@example.com".to_owned());
            user_created(same_address, number)
        }
        _ => user_created(user(number), number),
    }
}

pub(crate) async fn refusals_in_a_crowd_leave_nothing<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.commit(user_created(user(1), 1)).await.unwrap();
    let stored = house.store.user_get(house.tenant, &user(1).user_id).await.unwrap().unwrap();
    house.commit(user_renamed(&stored, "newer", 2)).await.unwrap();

    let mut tasks = JoinSet::new();
    for number in 100..500 {
        let (store, tenant, change) = (Arc::clone(&house.store), house.tenant, one_of_the_crowd(number, &stored));
        tasks.spawn(async move { (number, store.change_commit(tenant, change).await) });
    }
    let answers = bounded(tasks.join_all()).await;
    let mut answered: BTreeSet<String> = [id(1), id(2)].into();
    for (number, answer) in &answers {
        match (number % 4, answer) {
            (0 | 1, Err(StoreError::Stale)) | (2, Err(StoreError::Conflict(Conflict::User))) => {}
            (2 | 3, Ok(())) => {
                answered.insert(id(*number));
            }
            (_, other) => panic!("change {number} was answered {other:?}"),
        }
    }
    assert_eq!(answered.len(), 2 + 100 + 1, "all that could be made, and one of those with the same address");

    let house = house.reopen().await;
    let log = house.log().await;
    assert!(log.iter().map(|(seq, _)| *seq).eq(1..=103), "the positions have no gap");
    assert_eq!(log.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>(), answered);
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 102);
    for (number, answer) in answers {
        let found = house.store.user_get(house.tenant, &user(number).user_id).await.unwrap();
        assert_eq!(found.is_some(), answer.is_ok(), "user {number}");
    }
}
