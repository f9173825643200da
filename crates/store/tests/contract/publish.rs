//! Published events: the same one is one event, whoever publishes it again and whenever.

use std::sync::Arc;

use domain::ids::EventId;
use domain::publish::{PublishKey, PublishedEvent};
use store::{Log, State};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::backend::{Backend, House, bounded};
use crate::samples::{at, event, raised};

/// A published event; its number makes it the same as another.
pub(crate) fn published(number: u64) -> PublishedEvent {
    // The parts of a number spread as the bits of a digest do.
    let spread = |number: u64| u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes());
    let key = spread(number + 1) << 64 | spread(!number);
    PublishedEvent { key: PublishKey::from_number(key), event: event(number) }
}

pub(crate) fn batch(numbers: impl IntoIterator<Item = u64>) -> Vec<PublishedEvent> {
    numbers.into_iter().map(published).collect()
}

impl<B: Backend> House<'_, B> {
    pub(crate) async fn publish(&self, numbers: impl IntoIterator<Item = u64>) -> usize {
        self.store.events_publish(self.tenant, batch(numbers)).await.unwrap()
    }
}

pub(crate) async fn an_event_published_twice_is_one<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    assert_eq!(house.publish([1, 2, 1, 3, 2]).await, 3);
    assert_eq!(house.publish([1]).await, 0);
    assert_eq!(house.publish([3, 4]).await, 1);
    assert_eq!(house.publish([]).await, 0);
    let ids: Vec<_> = house.events().await.iter().map(|logged| logged.event.clone()).collect();
    assert_eq!(ids, [1, 2, 3, 4].map(event), "in the order in which they came");
}

pub(crate) async fn what_was_published_is_known_after_a_restart<B: Backend>(backend: &B) {
    let mut house = House::open(backend).await;
    for number in 1..=5 {
        assert_eq!(house.publish([number]).await, 1);
        house = house.reopen().await;
        assert_eq!(house.publish(1..=number).await, 0);
    }
    assert_eq!(house.seqs().await, [1, 2, 3, 4, 5]);
}

/// More than a backend keeps of them in one place.
pub(crate) async fn many_published_events_are_all_known<B: Backend>(backend: &B) {
    const BATCH: u64 = 1000;
    const BATCHES: u64 = 140;
    let mut house = House::open(backend).await;
    for first in 0..BATCHES {
        assert_eq!(house.publish(first * BATCH..(first + 1) * BATCH).await, 1000);
    }
    for _ in 0..2 {
        for first in 0..BATCHES {
            assert_eq!(house.publish(first * BATCH..(first + 1) * BATCH).await, 0);
        }
        house = house.reopen().await;
    }
    assert_eq!(house.publish(BATCH * BATCHES - 1..=BATCH * BATCHES).await, 1);
    assert_eq!(house.end().0, BATCH * BATCHES + 2);
}

pub(crate) async fn of_a_crowd_that_publishes_the_same_each_is_answered_and_one_counts<B: Backend>(backend: &B) {
    const CALLERS: usize = 32;
    let house = House::open(backend).await;
    let together = Arc::new(Barrier::new(CALLERS));
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS as u64 {
        let (store, tenant, together) = (Arc::clone(&house.store), house.tenant, Arc::clone(&together));
        tasks.spawn(async move {
            together.wait().await;
            let mut new = 0;
            for number in 0..40 {
                new += store.events_publish(tenant, batch([(number * 7 + caller) % 40])).await.unwrap();
                // Answered means in the log, whoever brought it there.
                let end = store.heads().borrow().log;
                assert!(end.0 > 1);
            }
            new
        });
    }
    let new: usize = bounded(tasks.join_all()).await.into_iter().sum();
    assert_eq!(new, 40);
    let mut ids: Vec<_> = house.events().await.iter().map(|logged| logged.event.id).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq((0..40).map(EventId::from_number)));
}

pub(crate) async fn what_the_log_holds_stays_known_while_retention_goes_on<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    // An event of the API between them has nothing to do with it, not even with the same id.
    house.publish(1..=20).await;
    house.commit(raised(vec![event(21)])).await.unwrap();
    house.publish(21..=40).await;
    assert_eq!(house.store.retention_pass(at(31), 100).await.unwrap().events, 31);
    assert_eq!(house.publish(31..=40).await, 0);
    let house = house.reopen().await;
    assert_eq!(house.publish(31..=40).await, 0);
    assert_eq!(house.publish(1..=10).await, 10, "the log has forgotten them");
}
