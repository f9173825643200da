//! Publishing when the file refuses: what was not kept may be published again.

use std::sync::Arc;

use store::{State, StoreError};
use tokio::task::JoinSet;

use super::Sqlite;
use crate::backend::{Backend, House, bounded};
use crate::publish::batch;

const REFUSING_13: &str = "CREATE TRIGGER refuse BEFORE INSERT ON log WHEN NEW.time = 1700000000013
     BEGIN SELECT RAISE(ABORT, 'refused'); END;";
const LOSING_13: &str = "CREATE TRIGGER lose BEFORE INSERT ON log WHEN NEW.time = 1700000000013
     BEGIN SELECT RAISE(ROLLBACK, 'the transaction is lost'); END;";

#[tokio::test]
async fn a_batch_that_is_refused_midway_leaves_nothing_behind() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let raw = backend.raw();
    raw.execute_batch(REFUSING_13).unwrap();
    house.publish([10]).await;
    let refused = house.store.events_publish(house.tenant, batch([10, 11, 12, 13, 14])).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert_eq!(house.seqs().await, [1]);
    assert_eq!(house.publish([12, 11, 10, 14]).await, 3);
    raw.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(house.publish(10..=14).await, 1);
    let house = house.reopen().await;
    assert_eq!(house.publish(10..=14).await, 0);
    assert_eq!(house.seqs().await, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_group_that_is_lost_may_be_published_again() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let raw = backend.raw();
    raw.execute_batch(LOSING_13).unwrap();
    house.publish([1]).await;
    // While another one writes, the batches gather; then they are committed as groups, of which one is lost.
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut tasks = JoinSet::new();
    for number in 1..=30 {
        let (store, tenant) = (Arc::clone(&house.store), house.tenant);
        tasks.spawn(async move { (number, store.events_publish(tenant, batch([number, number + 1])).await) });
    }
    tokio::task::yield_now().await;
    raw.execute_batch("COMMIT").unwrap();
    let answers = bounded(tasks.join_all()).await;
    assert!(answers.iter().any(|(number, answer)| *number == 13 && answer.is_err()));
    raw.execute_batch("DROP TRIGGER lose").unwrap();
    // Whatever was answered is there; all the rest is taken now.
    let there = house.seqs().await.len();
    let kept: std::collections::BTreeSet<_> =
        answers.iter().filter(|(_, answer)| answer.is_ok()).flat_map(|(number, _)| [*number, number + 1]).collect();
    assert_eq!(house.publish(kept.iter().copied()).await, 0);
    assert_eq!(house.publish(1..=31).await, 31 - there);
    assert_eq!(house.publish(1..=31).await, 0);
    let house = house.reopen().await;
    assert_eq!(house.publish(1..=31).await, 0);
}

#[tokio::test]
async fn a_commit_is_bounded_in_bytes() {
    const BATCHES: u64 = 24;
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let raw = backend.raw();
    raw.execute_batch(LOSING_13).unwrap();
    house.publish([1000]).await;
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut tasks = JoinSet::new();
    for number in 1..=BATCHES {
        let mut published = batch([number]);
        published[0].event.body = vec![b'x'; 1024 * 1024].into();
        let (store, tenant) = (Arc::clone(&house.store), house.tenant);
        tasks.spawn(async move { store.events_publish(tenant, published).await });
    }
    tokio::task::yield_now().await;
    raw.execute_batch("COMMIT").unwrap();
    let answers = bounded(tasks.join_all()).await;
    let lost = answers.iter().filter(|answer| answer.is_err()).count();
    assert!((1..=4).contains(&lost), "{lost} of a megabyte each were in the commit that was lost");
}
