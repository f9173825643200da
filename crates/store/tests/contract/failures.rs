//! Failed deliveries and their redelivery.

use domain::delivery::{AttemptStatus, Cause, Redelivery, RowChange};
use domain::event::Seq;
use domain::ids::EventId;
use domain::redelivery::DeliveryFilter;
use store::{Log, Redeliveries, RedeliveryRequested, State};

use crate::backend::{Backend, House};
use crate::checkpoints::{failed, saved, with_rows};
use crate::samples::{at, attempt, start};

/// A stream of which the deliveries of 1 to 5 have failed, of ten events.
async fn failing<B: Backend>(backend: &B) -> (House<'_, B>, domain::ids::StreamId) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    house.append(10).await;
    house.store.checkpoint_save(saved(11, vec![with_rows(id, 11, (1..=5).map(failed).collect())])).await.unwrap();
    (house, id)
}

/// The id of the event at a position; samples have the same number.
fn event(number: u64) -> EventId {
    EventId::from_number(number.into())
}

pub(crate) async fn failures_are_listed_found_and_counted<B: Backend>(backend: &B) {
    let (house, id) = failing(backend).await;
    let house = house.reopen().await;
    let (store, tenant) = (&house.store, house.tenant);
    let seqs = async |after, take| {
        let page = store.failure_page(tenant, id, DeliveryFilter::default(), Seq(after), take).await.unwrap();
        page.iter().map(|failure| failure.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, 3).await, [1, 2, 3]);
    assert_eq!(seqs(3, 3).await, [4, 5]);
    assert!(seqs(5, 3).await.is_empty());
    assert_eq!(store.failure_count(tenant, id).await.unwrap(), 5);
    let found = store.failure_get(tenant, id, event(3)).await.unwrap().unwrap();
    let logged = &house.events().await[2];
    assert_eq!((found.seq, found.event_id, found.event_type), (Seq(3), event(3), logged.event.event_type));
    assert_eq!((found.failed_at, &found.body), (at(503), &logged.event.body));
    assert_eq!(found.attempts, [attempt(3), attempt(4)]);
    assert_eq!(store.failure_get(tenant, id, event(6)).await.unwrap(), None);
    assert_eq!(store.failure_get(tenant, id, event(99)).await.unwrap(), None);
}

pub(crate) async fn another_tenant_finds_no_failures<B: Backend>(backend: &B) {
    let (house, id) = failing(backend).await;
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    assert_eq!(house.store.failure_page(other, id, DeliveryFilter::default(), Seq::ZERO, 9).await.unwrap(), []);
    assert_eq!(house.store.failure_get(other, id, event(1)).await.unwrap(), None);
    assert_eq!(house.store.failure_count(other, id).await.unwrap(), 0);
    let asked = house.store.redelivery_request(other, id, event(1), start(0)).await.unwrap();
    assert_eq!(asked, RedeliveryRequested::NotFound);
    assert_eq!(house.store.redelivery_streams().await.unwrap(), []);
    // Nor does another stream of the same tenant.
    let second = house.stream(2).await.id;
    assert_eq!(house.store.failure_get(house.tenant, second, event(1)).await.unwrap(), None);
    assert_eq!(house.store.failure_count(house.tenant, second).await.unwrap(), 0);
}

pub(crate) async fn a_redelivery_is_accepted_once_and_wakes<B: Backend>(backend: &B) {
    let (house, id) = failing(backend).await;
    let mut heads = house.store.heads();
    let before = *heads.borrow_and_update();
    let ask = async |number| house.store.redelivery_request(house.tenant, id, event(number), start(600)).await.unwrap();
    assert_eq!(ask(9).await, RedeliveryRequested::NotFound);
    assert!(!heads.has_changed().unwrap());
    assert_eq!(ask(4).await, RedeliveryRequested::Accepted);
    assert!(heads.has_changed().unwrap());
    assert!(heads.borrow_and_update().redeliveries > before.redeliveries);
    assert_eq!(ask(4).await, RedeliveryRequested::AlreadyWaiting);
    assert!(!heads.has_changed().unwrap(), "it wakes once");
    assert_eq!(ask(2).await, RedeliveryRequested::Accepted);

    let attempts = house.store.failure_get(house.tenant, id, event(4)).await.unwrap().unwrap().attempts;
    let last = attempts.last().unwrap();
    assert_eq!((attempts.len(), last.status, last.timestamp), (3, AttemptStatus::Retrying, at(600)));
    let house = house.reopen().await;
    let waiting = async |after, take| house.store.redeliveries_waiting(id, Seq(after), take).await.unwrap();
    let subject = house.events().await[3].event.subject.fingerprint();
    let four = Redelivery { seq: Seq(4), subject, cause: Cause::Failed };
    assert_eq!(waiting(2, 9).await, [four]);
    assert_eq!(waiting(0, 9).await.iter().map(|each| each.seq.0).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(waiting(0, 1).await.len(), 1);
    assert_eq!(house.store.redelivery_streams().await.unwrap(), [id]);
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), 5, "it stays until it is delivered");
}

pub(crate) async fn a_redelivery_ends_with_its_outcome<B: Backend>(backend: &B) {
    let (house, id) = failing(backend).await;
    let ask = async |number| house.store.redelivery_request(house.tenant, id, event(number), start(600)).await.unwrap();
    assert_eq!((ask(1).await, ask(2).await), (RedeliveryRequested::Accepted, RedeliveryRequested::Accepted));
    let rows = vec![
        RowChange::Recovered { seq: Seq(1) },
        RowChange::FailedAgain { seq: Seq(2), attempts: vec![attempt(700)], redelivery: true },
    ];
    house.store.checkpoint_save(saved(11, vec![with_rows(id, 11, rows)])).await.unwrap();
    assert_eq!(house.store.redelivery_streams().await.unwrap(), []);
    assert_eq!(house.store.failure_get(house.tenant, id, event(1)).await.unwrap(), None);
    assert_eq!(house.store.failure_count(house.tenant, id).await.unwrap(), 4);
    let again = house.store.failure_get(house.tenant, id, event(2)).await.unwrap().unwrap();
    let statuses: Vec<_> = again.attempts.iter().map(|attempt| attempt.status).collect();
    use AttemptStatus::{Failed, Retrying};
    assert_eq!(statuses, [Failed, Failed, Retrying, Failed]);
    assert_eq!(ask(1).await, RedeliveryRequested::NotFound);
    assert_eq!(ask(2).await, RedeliveryRequested::Accepted, "it can be asked for again");
    // Moved back, the stream comes to it by itself, and it fails: that is not what was asked for.
    let rows = vec![RowChange::FailedAgain { seq: Seq(2), attempts: vec![attempt(800)], redelivery: false }];
    house.store.checkpoint_save(saved(11, vec![with_rows(id, 11, rows)])).await.unwrap();
    assert_eq!(house.store.redelivery_streams().await.unwrap(), [id], "the request stands");
}

pub(crate) async fn the_newest_hundred_attempts_are_kept<B: Backend>(backend: &B) {
    let (house, id) = failing(backend).await;
    let save = async |rows| house.store.checkpoint_save(saved(11, vec![with_rows(id, 11, rows)])).await.unwrap();
    let attempts =
        async |number| house.store.failure_get(house.tenant, id, event(number)).await.unwrap().unwrap().attempts;
    let many = |from: i64, count: i64| (from..from + count).map(attempt).collect::<Vec<_>>();
    save(vec![RowChange::Failed { seq: Seq(7), at: at(0), attempts: many(1000, 130) }]).await;
    assert_eq!(attempts(7).await, many(1030, 100));
    save(vec![RowChange::FailedAgain { seq: Seq(7), attempts: many(2000, 4), redelivery: true }]).await;
    let kept = attempts(7).await;
    assert_eq!((kept.len(), &kept[0], &kept[99]), (100, &attempt(1034), &attempt(2003)));
    house.store.redelivery_request(house.tenant, id, event(7), start(3000)).await.unwrap();
    let kept = attempts(7).await;
    assert_eq!((kept.len(), &kept[0], kept[99].status), (100, &attempt(1035), AttemptStatus::Retrying));
    save(vec![RowChange::FailedAgain { seq: Seq(7), attempts: many(4000, 250), redelivery: true }]).await;
    assert_eq!(attempts(7).await, many(4150, 100));
}
