//! Retention looks before it writes: a stream that is moved in between keeps what it was moved to.

use std::sync::Arc;

use domain::event::Seq;
use domain::place::Place;
use store::{Log, SeekMode, State};
use tokio::task::JoinSet;

use super::Sqlite;
use crate::backend::{Backend, House, bounded};
use crate::checkpoints::{moved, saved};
use crate::samples::at;

#[tokio::test]
async fn what_a_stream_is_moved_back_to_stays_although_it_was_looked_at_before() {
    let backend = Sqlite::new();
    let house = House::open(&backend).await;
    let id = house.stream(1).await.id;
    house.append(20).await;
    house.store.checkpoint_save(saved(1, vec![moved(id, 21, &[])])).await.unwrap();
    // While another one writes, the move waits, and retention looks at how it was before.
    let raw = backend.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (store, tenant) = (Arc::clone(&house.store), house.tenant);
    let mut tasks = JoinSet::new();
    let to = Place::Position(Seq(5));
    tasks.spawn(async move { store.stream_seek(tenant, id, to, SeekMode::Apply).await.map(|_| ()) });
    tokio::task::yield_now().await;
    let store = Arc::clone(&house.store);
    tasks.spawn(async move { store.retention_pass(at(1_000_000), 100).await.map(|_| ()) });
    // Until retention has looked, and waits too.
    for _ in 0..10 {
        house.store.user_count(house.tenant).await.unwrap();
    }
    raw.execute_batch("COMMIT").unwrap();
    assert!(bounded(tasks.join_all()).await.iter().all(Result::is_ok));
    assert_eq!(house.kept().await[0], 5);
}
