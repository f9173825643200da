//! Retention: what is old goes, in steps, but never what an enabled stream has still to deliver.

use domain::delivery::{Parked, RowChange};
use domain::event::{Event, Seq};
use domain::ids::EventId;
use domain::stream::StreamStatus;
use store::{Log, RetentionPass, State};

use crate::backend::{Backend, House};
use crate::checkpoints::{failed, moved, saved, with_rows};
use crate::samples::{at, attempt, changed, event, raised};

pub(crate) async fn old_events_go_in_steps_and_the_newest_stays<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.append(10).await;
    let pass = async |before, most| house.store.retention_pass(at(before), most).await.unwrap().events;
    assert_eq!(pass(1, 100).await, 0, "none is older");
    assert_eq!(pass(5, 3).await, 3);
    assert_eq!(pass(5, 3).await, 1);
    assert_eq!(pass(5, 3).await, 0);
    assert_eq!(house.store.log_get(&[Seq(4), Seq(5)]).await.unwrap().len(), 1);
    assert_eq!(pass(1_000_000, 100).await, 5);
    assert_eq!(pass(1_000_000, 100).await, 0);
    let house = house.reopen().await;
    assert_eq!(house.kept().await, [10]);
    // The position of the newest is the measure of the next, also when everything is old.
    house.append(2).await;
    assert_eq!(house.store.retention_pass(at(1_000_000), 100).await.unwrap().events, 2);
    let house = house.reopen().await;
    assert_eq!(house.append(1).await, [Seq(13)]);
    assert_eq!(house.kept().await, [12, 13]);
}

pub(crate) async fn an_event_that_is_not_old_stays<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    // The clock was set back between the second and the third.
    for (number, millis) in [(1, 10), (2, 5_000), (3, 20), (4, 30), (5, 6_000)] {
        house.commit(raised(vec![Event { time: at(millis), ..event(number) }])).await.unwrap();
    }
    let pass = house.store.retention_pass(at(100), 100).await.unwrap();
    assert_eq!(pass.events, 1);
    let house = house.reopen().await;
    assert_eq!(house.kept().await, [2, 3, 4, 5]);
    assert_eq!(house.store.retention_pass(at(5_500), 100).await.unwrap().events, 3);
}

pub(crate) async fn what_an_enabled_stream_needs_stays<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let mut stream = house.stream(1).await;
    let quick = house.stream(2).await.id;
    house.append(20).await;
    let pass = async || {
        house.store.retention_pass(at(1_000_000), 100).await.unwrap();
        house.kept().await[0]
    };
    let save = async |progress| house.store.checkpoint_save(saved(1, vec![progress])).await.unwrap();
    save(moved(quick, 21, &[])).await;
    assert_eq!(pass().await, 1, "it has delivered nothing yet");
    save(moved(stream.id, 15, &[4, 9])).await;
    assert_eq!(pass().await, 4, "an open position");
    let parked = Parked { seq: Seq(6), subject: 1, due: at(9), attempts: vec![attempt(1)] };
    save(with_rows(stream.id, 15, vec![RowChange::Parked(parked.clone())])).await;
    assert_eq!(pass().await, 6, "a parked one");
    save(with_rows(stream.id, 15, vec![RowChange::Unparked { seq: Seq(6) }])).await;
    assert_eq!(pass().await, 15, "the cursor");
    save(with_rows(stream.id, 18, vec![RowChange::Parked(Parked { seq: Seq(16), ..parked })])).await;
    stream.status = StreamStatus::Disabled;
    house.commit(changed(1, &stream)).await.unwrap();
    assert_eq!(pass().await, 20, "a disabled stream keeps nothing back");
    assert_eq!(house.restored(stream.id).await.parked, [], "what is gone is not parked");
}

pub(crate) async fn a_stream_at_the_head_keeps_nothing_back<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    house.append(9).await;
    let mut at_head = moved(id, 3, &[]);
    at_head.at_head = true;
    house.store.checkpoint_save(saved(3, vec![at_head])).await.unwrap();
    house.store.checkpoint_save(saved(8, Vec::new())).await.unwrap();
    house.store.retention_pass(at(1_000_000), 100).await.unwrap();
    assert_eq!(house.kept().await, [8, 9]);
}

pub(crate) async fn failures_go_with_their_events_and_are_reported<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let (one, two) = (house.stream(1).await.id, house.stream(2).await.id);
    house.append(10).await;
    let progress =
        vec![with_rows(one, 11, vec![failed(1), failed(2), failed(6)]), with_rows(two, 11, vec![failed(2), failed(7)])];
    house.store.checkpoint_save(saved(11, progress)).await.unwrap();
    assert_eq!(house.store.retention_pass(at(0), 100).await.unwrap(), RetentionPass::default());
    let mut pass = house.store.retention_pass(at(5), 100).await.unwrap();
    pass.failures.sort_unstable();
    assert_eq!(pass, RetentionPass { events: 4, failures: vec![(one, 2), (two, 1)], oldest: Seq(5) });
    assert_eq!(house.store.failure_count(house.tenant, one).await.unwrap(), 1);
    assert_eq!(house.restored(two).await.health.outstanding, 1);
    let gone = house.store.failure_get(house.tenant, one, EventId::from_number(2)).await.unwrap();
    assert_eq!(gone, None);
    // A failure of an event that is gone leaves no row that nobody could show.
    house.store.checkpoint_save(saved(11, vec![with_rows(one, 11, vec![failed(3)])])).await.unwrap();
    assert_eq!(house.store.failure_count(house.tenant, one).await.unwrap(), 1);
}
