//! The one writer and its transactions: who waits for whom, and what a lost transaction leaves.

use std::sync::Arc;

use domain::event::Seq;
use store::{Log, State, StoreError, StreamsVersion};
use tokio::task::JoinSet;

use super::Sqlite;
use crate::backend::{Backend, House, bounded};
use crate::samples::{event, user, user_created};

#[tokio::test]
async fn readers_do_not_wait_for_a_writer() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    house.commit(user_created(user(1), 1)).await.unwrap();
    let id = house.stream(1).await.id;
    let raw = backend.raw();
    raw.execute_batch("BEGIN IMMEDIATE; DELETE FROM users; DELETE FROM log; DELETE FROM streams;").unwrap();
    // The store's own writer waits behind the other one; reads are answered, from before it.
    let (store, tenant) = (Arc::clone(&house.store), house.tenant);
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { store.change_commit(tenant, user_created(user(2), 2)).await });
    let reads = async {
        assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 1);
        assert!(house.store.user_get(house.tenant, &user(1).user_id).await.unwrap().is_some());
        assert!(house.store.stream_get(house.tenant, id).await.unwrap().is_some());
        assert_eq!(house.store.streams_changed(StreamsVersion::default()).await.unwrap().changed.len(), 1);
        assert_eq!(house.store.log_get(&[Seq(1)]).await.unwrap().len(), 1);
        assert_eq!(house.seqs().await, [1]);
    };
    bounded(reads).await;
    assert!(waiting.try_join_next().is_none(), "the change is still waiting");
    raw.execute_batch("ROLLBACK").unwrap();
    bounded(waiting.join_next()).await.unwrap().unwrap().unwrap();
    assert_eq!(house.seqs().await, [1, 2]);
}

/// A disk that is full or fails can cost SQLite the whole transaction in the middle of a group. Everybody in
/// it must be refused then, and nothing of theirs be kept, nor of those whose turn had not come.
#[tokio::test]
async fn a_transaction_that_is_lost_midway_leaves_nothing() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let raw = backend.raw();
    raw.execute_batch(
        "CREATE TRIGGER lose_it BEFORE INSERT ON users WHEN NEW.email = 'user20@example.com'
         BEGIN SELECT RAISE(ROLLBACK, 'the transaction is lost'); END;",
    )
    .unwrap();
    // While another one writes, the changes gather; then they are committed as one group.
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut tasks = JoinSet::new();
    for number in 1..=50 {
        let (store, tenant) = (Arc::clone(&house.store), house.tenant);
        tasks.spawn(async move { (number, store.change_commit(tenant, user_created(user(number), number)).await) });
    }
    tokio::task::yield_now().await;
    raw.execute_batch("COMMIT").unwrap();
    let answers = bounded(tasks.join_all()).await;
    let answered = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
    assert!(answers.iter().any(|(number, answer)| *number == 20 && answer.is_err()));
    for (number, answer) in &answers {
        let found = house.store.user_get(house.tenant, &user(*number).user_id).await.unwrap();
        assert_eq!(found.is_some(), answer.is_ok(), "change {number} was answered {answer:?}");
    }
    assert_eq!(house.seqs().await.len(), answered);

    // The store goes on.
    raw.execute_batch("DROP TRIGGER lose_it").unwrap();
    house.commit(user_created(user(100), 100)).await.unwrap();
    let house = house.reopen().await;
    let log = house.seqs().await;
    assert!(log.iter().copied().eq(1..=u64::try_from(answered + 1).unwrap()), "{log:?}");
}

/// The events of a change that is refused after they were appended are not kept in memory either.
#[tokio::test]
async fn an_event_that_cannot_be_appended_takes_the_others_of_its_change_along() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let lost = event(3);
    let trigger = "CREATE TRIGGER refuse_it BEFORE INSERT ON log WHEN NEW.event_id = 'ID'
                   BEGIN SELECT RAISE(ABORT, 'the event is refused'); END;";
    backend.raw().execute_batch(&trigger.replace("ID", &lost.id.to_string())).unwrap();
    house.commit(user_created(user(1), 1)).await.unwrap();
    let mut change = user_created(user(2), 2);
    change.events.push(lost);
    let refused = house.commit(change).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    house.commit(user_created(user(4), 4)).await.unwrap();
    let from_memory = house.events().await;
    assert_eq!(from_memory.iter().map(|logged| logged.seq.0).collect::<Vec<_>>(), [1, 2]);
    let house = house.reopen().await;
    assert_eq!(house.events().await, from_memory);
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 2);
}

/// Whoever cannot write within the bounded wait for the lock is refused for good.
#[tokio::test]
async fn a_change_that_found_the_file_locked_is_not_made_later() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let raw = backend.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = bounded(house.commit(user_created(user(1), 1))).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    raw.execute_batch("ROLLBACK").unwrap();
    assert_eq!(house.store.user_count(house.tenant).await.unwrap(), 0);
    house.commit(user_created(user(1), 1)).await.unwrap();
    assert_eq!(house.seqs().await, [1]);
}
