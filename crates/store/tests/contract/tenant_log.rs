//! Readers that are no event streams: a tenant's part of the log, the same from memory as from the disk.

use std::time::Duration;

use bytes::Bytes;
use domain::catalog::{EventType, EventTypes};
use domain::event::{Event, Seq};
use domain::ids::TenantId;
use domain::place::Place;
use store::{Log, PlaceError, ReadLimit, State, StoreError, TenantLog, Wanted};

use crate::backend::{Backend, House};
use crate::samples::{at, event, raised};

const ALL: ReadLimit = ReadLimit { events: usize::MAX, bytes: usize::MAX };

fn of(event_type: EventType, number: u64) -> Event {
    Event { event_type, ..event(number) }
}

/// The positions that are read, and the one to go on from.
async fn read<B: Backend>(house: &House<'_, B>, wanted: &Wanted, from: u64, limit: ReadLimit) -> (Vec<u64>, u64) {
    let chunk = house.store.tenant_events(wanted, Seq(from), limit).await.unwrap();
    (chunk.events.iter().map(|logged| logged.seq.0).collect(), chunk.next.0)
}

pub(crate) async fn a_tenant_reads_its_own_events_of_the_types_it_wants<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let other = house.store.tenant_ensure("other").await.unwrap().id;
    let every = |tenant: TenantId| Wanted { tenant, types: None };
    for (number, tenant, event_type) in [
        (1, house.tenant, EventType::UserCreated),
        (2, other, EventType::UserCreated),
        (3, house.tenant, EventType::GroupCreated),
        (4, house.tenant, EventType::UserCreated),
        (5, other, EventType::GroupCreated),
        (6, house.tenant, EventType::UserDeleted),
    ] {
        house.store.change_commit(tenant, raised(vec![of(event_type, number)])).await.unwrap();
    }
    let tenant = house.tenant;
    let types: EventTypes = [EventType::UserCreated, EventType::UserDeleted].into_iter().collect();
    let some = Wanted { tenant, types: Some(types) };
    let none = Wanted { tenant, types: Some(EventTypes::default()) };
    let check = async |house: &House<'_, B>| {
        assert_eq!(read(house, &every(tenant), 1, ALL).await, (vec![1, 3, 4, 6], 7));
        assert_eq!(read(house, &every(other), 1, ALL).await, (vec![2, 5], 7));
        assert_eq!(read(house, &some, 2, ALL).await, (vec![4, 6], 7));
        assert_eq!(read(house, &none, 1, ALL).await, (vec![], 7));
        assert_eq!(read(house, &every(tenant), 7, ALL).await, (vec![], 7));
        let two = ReadLimit { events: 2, bytes: usize::MAX };
        assert_eq!(read(house, &some, 1, two).await, (vec![1, 4], 5));
        let few_bytes = ReadLimit { events: 9, bytes: 1 };
        assert_eq!(read(house, &some, 2, few_bytes).await, (vec![4], 5), "the one that reaches the limit is the last");
    };
    check(&house).await;
    check(&house.reopen().await).await;
}

pub(crate) async fn who_wants_what_is_rare_looks_at_a_stretch_at_a_time<B: Backend>(backend: &B) {
    const MANY: u64 = 20_000;
    let house = House::open(backend).await;
    for thousand in 0..MANY / 1000 {
        let small = |number| Event { body: Bytes::from_static(b"{}"), ..event(number) };
        let events = (thousand * 1000 + 1..=(thousand + 1) * 1000).map(small).collect();
        house.commit(raised(events)).await.unwrap();
    }
    house.commit(raised(vec![of(EventType::GroupDeleted, MANY + 1)])).await.unwrap();
    let rare = Wanted { tenant: house.tenant, types: Some([EventType::GroupDeleted].into_iter().collect()) };
    let check = async |house: &House<'_, B>| {
        let (found, next) = read(house, &rare, 1, ALL).await;
        assert!(found.is_empty() && (2..MANY).contains(&next), "it has looked at a part: {found:?} {next}");
        assert_eq!(read(house, &rare, next, ALL).await, (vec![MANY + 1], MANY + 2));
    };
    check(&house).await;
    check(&house.reopen().await).await;
}

pub(crate) async fn a_reader_hears_of_what_the_log_has_forgotten<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    house.append(10).await;
    let house = house.reopen().await;
    let wanted = Wanted { tenant: house.tenant, types: None };
    assert_eq!(house.store.retention_pass(at(1_000_000), 4).await.unwrap().events, 4);
    assert_eq!(read(&house, &wanted, 5, ALL).await.0, [5, 6, 7, 8, 9, 10]);
    let forgotten = house.store.tenant_events(&wanted, Seq(4), ALL).await;
    assert!(matches!(forgotten, Err(StoreError::Place(PlaceError::Expired))), "{forgotten:?}");
    let place = async |place| house.store.place_find(place).await;
    assert_eq!(place(Place::Now).await.unwrap(), Seq(11));
    assert_eq!(place(Place::Beginning).await.unwrap(), Seq(5));
    assert_eq!(place(Place::Position(Seq(11))).await.unwrap(), Seq(11));
    let refused = [(Seq(4), PlaceError::Expired), (Seq(12), PlaceError::Ahead)];
    for (seq, expected) in refused {
        let found = place(Place::Position(seq)).await;
        assert!(matches!(&found, Err(StoreError::Place(error)) if *error == expected), "{seq}: {found:?}");
    }
}

pub(crate) async fn a_reader_at_the_head_is_woken<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let wanted = Wanted { tenant: house.tenant, types: None };
    let mut wake = house.store.wake();
    wake.borrow_and_update();
    house.append(1).await;
    tokio::time::timeout(Duration::from_secs(60), wake.changed()).await.expect("it is woken").unwrap();
    assert_eq!(read(&house, &wanted, 1, ALL).await, (vec![1], 2));
}
