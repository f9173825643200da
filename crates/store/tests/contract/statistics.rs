//! How many deliveries have ended.

use std::time::Duration;

use domain::clock::Timestamp;
use domain::delivery::Cycles;
use domain::ids::StreamId;
use store::{Checkpoint, CountedCycles, Log, State, Statistics, StatisticsUpkeep};

use crate::backend::{Backend, House};
use crate::checkpoints::moved;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A time far from the beginning, at the full day.
const BASE: i64 = 20_000 * DAY;

fn ended(delivered: u64, failed: u64) -> Cycles {
    let mut cycles = Cycles { failed, ..Cycles::default() };
    (0..delivered).for_each(|_| cycles.count_delivered(Duration::from_millis(3)));
    cycles
}

async fn save<B: Backend>(house: &House<'_, B>, id: StreamId, millis: i64, cycles: Cycles) {
    let mut progress = moved(id, 1, &[]);
    progress.progress.cycles = cycles;
    let at = Timestamp::from_millis(BASE + millis);
    let checkpoint = Checkpoint { at, head: house.end(), streams: vec![progress] };
    house.store.checkpoint_save(checkpoint).await.unwrap();
}

async fn counted<B: Backend>(
    house: &House<'_, B>,
    id: StreamId,
    from: i64,
    until: i64,
    width: i64,
) -> Vec<(i64, Cycles)> {
    let time = |millis| Timestamp::from_millis(BASE + millis);
    let width = u32::try_from(width).unwrap();
    let found = house.store.cycles_counted(house.tenant, id, time(from), time(until), width).await.unwrap();
    found.into_iter().map(|CountedCycles { start, cycles }| (start.as_millis() - BASE, cycles)).collect()
}

pub(crate) async fn deliveries_are_counted_by_the_minute<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let (id, other) = (house.stream(1).await.id, house.stream(2).await.id);
    save(&house, id, 0, ended(2, 1)).await;
    save(&house, id, 59_999, ended(1, 0)).await;
    save(&house, id, MINUTE, ended(0, 4)).await;
    save(&house, id, HOUR, ended(7, 0)).await;
    save(&house, id, HOUR, Cycles::default()).await;
    save(&house, other, 0, ended(9, 9)).await;
    let house = house.reopen().await;
    let minutes = counted(&house, id, 0, DAY, MINUTE).await;
    assert_eq!(minutes, [(0, ended(3, 1)), (MINUTE, ended(0, 4)), (HOUR, ended(7, 0))]);
    assert_eq!(counted(&house, id, 0, DAY, HOUR).await, [(0, ended(3, 5)), (HOUR, ended(7, 0))]);
    assert_eq!(counted(&house, id, 0, HOUR, DAY).await, [(0, ended(3, 5))]);
    assert_eq!(counted(&house, id, MINUTE, HOUR, MINUTE).await, [(MINUTE, ended(0, 4))]);
    let tenant = house.store.tenant_ensure("other").await.unwrap().id;
    let (from, until) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
    assert_eq!(house.store.cycles_counted(tenant, id, from, until, 60_000).await.unwrap(), []);
}

pub(crate) async fn old_counts_are_summed_up_and_then_forgotten<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    for minute in 0..90 {
        save(&house, id, minute * MINUTE, ended(1, 2)).await;
    }
    let compact = async |days: i64, most| {
        let now = Timestamp::from_millis(BASE + days * DAY);
        house.store.counts_compact(now, most).await.unwrap()
    };
    assert!(!compact(14, 1000).await);
    assert_eq!(counted(&house, id, 0, DAY, MINUTE).await.len(), 90, "two weeks are kept by the minute");
    assert!(compact(16, 50).await);
    assert!(!compact(16, 50).await);
    assert_eq!(counted(&house, id, 0, DAY, MINUTE).await, [(0, ended(60, 120)), (HOUR, ended(30, 60))]);
    save(&house, id, 30 * DAY, ended(1, 0)).await;
    compact(401, 1000).await;
    assert_eq!(counted(&house, id, 0, 100 * DAY, DAY).await, [(30 * DAY, ended(1, 0))]);
}
