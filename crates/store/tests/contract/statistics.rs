//! What is counted by the minute.

use std::time::Duration;

use domain::change::Change;
use domain::clock::Timestamp;
use domain::delivery::{Cycles, DisableReason, FailureKind, LoggedCount};
use domain::event::{Event, Seq};
use domain::ids::StreamId;
use domain::stream::{EventStream, StreamStatus};
use store::{
    Checkpoint, CountedCycles, CountedEvents, CountsKept, Flow, Log, Queue, QueueSample, State, Statistics,
    StatisticsUpkeep, Stretches,
};

use crate::backend::{Backend, House};
use crate::checkpoints::{failed, moved, saved, with_rows};
use crate::samples;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A time far from the beginning, at the full day.
const BASE: i64 = 20_000 * DAY;

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(BASE + millis)
}

fn stretches(from: i64, until: i64, width: i64) -> Stretches {
    Stretches { from: time(from), until: time(until), width_ms: u32::try_from(width).unwrap() }
}

fn ended(delivered: u64, failed: u64) -> Cycles {
    let mut cycles = Cycles { failed, ..Cycles::default() };
    (0..delivered).for_each(|_| cycles.count_delivered(Duration::from_millis(3)));
    (0..4 * failed).for_each(|_| cycles.count_attempt_failed(FailureKind::Timeout));
    cycles
}

async fn save<B: Backend>(house: &House<'_, B>, id: StreamId, millis: i64, cycles: Cycles) {
    save_with(house, id, millis, cycles, None).await;
}

async fn save_with<B: Backend>(
    house: &House<'_, B>,
    id: StreamId,
    millis: i64,
    cycles: Cycles,
    queue: Option<QueueSample>,
) {
    let mut progress = moved(id, 1, &[]);
    progress.progress.cycles = cycles;
    progress.queue = queue;
    let checkpoint =
        Checkpoint { at: time(millis), head: house.end(), streams: vec![progress], ..Checkpoint::default() };
    house.store.checkpoint_save(checkpoint).await.unwrap();
}

async fn counted<B: Backend>(
    house: &House<'_, B>,
    id: StreamId,
    from: i64,
    until: i64,
    width: i64,
) -> Vec<(i64, Cycles)> {
    let found = house.store.cycles_counted(house.tenant, id, stretches(from, until, width)).await.unwrap();
    found.into_iter().map(|CountedCycles { start, cycles, .. }| (start.as_millis() - BASE, cycles)).collect()
}

/// What was counted of the tenant by the day: events raised, deliveries made and failed.
async fn of_tenant<B: Backend>(house: &House<'_, B>) -> Vec<(i64, u64, u64, u64)> {
    let found = house.store.events_counted(house.tenant, stretches(0, 500 * DAY, DAY)).await.unwrap();
    let counted = |CountedEvents { start, raised, cycles }: CountedEvents| {
        (start.as_millis() - BASE, raised, cycles.delivered, cycles.failed)
    };
    found.into_iter().map(counted).collect()
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
    assert_eq!(of_tenant(&house).await, [(0, 0, 19, 14)], "all streams of the tenant together");
    let flow = |start, delivered, failed| Flow { start: time(start), delivered, failed };
    let flows = house.store.flows_counted(house.tenant, vec![other, id], stretches(0, DAY, HOUR)).await.unwrap();
    assert_eq!(flows, [vec![flow(0, 9, 9)], vec![flow(0, 3, 5), flow(HOUR, 7, 0)]]);
    let tenant = house.store.tenant_ensure("other").await.unwrap().id;
    let always = stretches(-BASE, i64::MAX / 2, MINUTE);
    assert_eq!(house.store.cycles_counted(tenant, id, always).await.unwrap(), []);
    assert_eq!(house.store.events_counted(tenant, always).await.unwrap(), []);
    assert_eq!(house.store.flows_counted(tenant, vec![id], always).await.unwrap(), [vec![]]);
}

pub(crate) async fn old_counts_are_summed_up_and_then_forgotten<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    for minute in 0..90 {
        save(&house, id, minute * MINUTE, ended(1, 2)).await;
    }
    let compact =
        async |millis: i64, most| house.store.counts_compact(time(millis), CountsKept::default(), most).await.unwrap();
    assert!(!compact(2 * DAY, 1000).await);
    assert_eq!(counted(&house, id, 0, DAY, MINUTE).await.len(), 90, "two days are kept by the minute");
    assert!(compact(2 * DAY + 2 * HOUR, 50).await, "there may be more");
    while compact(2 * DAY + 2 * HOUR, 50).await {}
    let hours = [(0, ended(60, 120)), (HOUR, ended(30, 60))];
    assert_eq!(counted(&house, id, 0, DAY, MINUTE).await, hours);
    while compact(31 * DAY, 50).await {}
    assert_eq!(counted(&house, id, 0, DAY, MINUTE).await, hours, "a month is kept by the hour");
    while compact(33 * DAY, 50).await {}
    assert_eq!(counted(&house, id, 0, DAY, MINUTE).await, [(0, ended(90, 180))]);
    assert_eq!(of_tenant(&house).await, [(0, 0, 90, 180)], "summed up or not, it is the same");
    save(&house, id, 30 * DAY, ended(1, 0)).await;
    while compact(401 * DAY, 1000).await {}
    assert_eq!(counted(&house, id, 0, 100 * DAY, DAY).await, [(30 * DAY, ended(1, 0))]);
    assert_eq!(of_tenant(&house).await, [(30 * DAY, 0, 1, 0)]);
}

pub(crate) async fn what_a_stream_has_before_it_is_kept_at_its_worst_and_as_it_was_last<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    // Raised by the time of its number, so long before `BASE`.
    let first = house.append(3).await[0];
    let raised = samples::event(first.0).time;
    let sample = |behind, waiting| Some(QueueSample { cursor: first, behind, waiting });
    save_with(&house, id, 1_000, Cycles::default(), sample(3, 2)).await;
    save_with(&house, id, 2_000, ended(1, 0), sample(0, 0)).await;
    save_with(&house, id, 2_500, ended(1, 0), None).await;
    let worst = time(1_000).since(raised);
    let counted = house.store.cycles_counted(house.tenant, id, stretches(0, DAY, MINUTE)).await.unwrap();
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0].cycles, ended(2, 0));
    assert_eq!(counted[0].queue, Some(Queue { lag: worst, behind: 0, waiting: 0 }));
    save(&house, id, MINUTE, ended(1, 0)).await;
    let counted = house.store.cycles_counted(house.tenant, id, stretches(MINUTE, DAY, MINUTE)).await.unwrap();
    assert_eq!(counted[0].queue, None, "nobody has looked");
}

pub(crate) async fn every_event_is_counted_once_although_the_process_is_killed<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let tenant = house.tenant;
    let raise = async |house: &House<'_, B>, number: u64, millis: i64| {
        let event = Event { time: time(millis), ..samples::event(number) };
        house.commit(Change { writes: Vec::new(), events: vec![event] }).await.unwrap();
    };
    let counted_to = async |house: &House<'_, B>, head: Seq, events: &[(i64, u64)]| {
        let count = |(millis, events): &(i64, u64)| LoggedCount { tenant, minute: time(*millis), events: *events };
        let logged = events.iter().map(count).collect();
        house.store.checkpoint_save(Checkpoint { at: time(0), head, logged, ..Checkpoint::default() }).await.unwrap();
    };
    for (number, millis) in [(1, 0), (2, 59_999), (3, MINUTE)] {
        raise(&house, number, millis).await;
    }
    // Two were handed out and saved; then the process was killed.
    counted_to(&house, Seq(3), &[(0, 2)]).await;
    let house = house.reopen().await;
    house.store.events_count_rest(house.end()).await.unwrap();
    let by_minute = async |house: &House<'_, B>| {
        let found = house.store.events_counted(tenant, stretches(0, DAY, MINUTE)).await.unwrap();
        found.iter().map(|each| (each.start.as_millis() - BASE, each.raised)).collect::<Vec<_>>()
    };
    assert_eq!(by_minute(&house).await, [(0, 2), (MINUTE, 1)]);
    house.store.events_count_rest(house.end()).await.unwrap();
    raise(&house, 4, MINUTE).await;
    counted_to(&house, house.end(), &[(MINUTE, 1)]).await;
    let house = house.reopen().await;
    house.store.events_count_rest(house.end()).await.unwrap();
    assert_eq!(by_minute(&house).await, [(0, 2), (MINUTE, 2)], "nothing is counted twice");
}

pub(crate) async fn when_a_stream_was_enabled_and_disabled_is_kept<B: Backend>(backend: &B) {
    let house = House::open(backend).await;
    let id = house.stream(1).await.id;
    house.append(1).await;
    let mut progress = with_rows(id, 1, vec![failed(1)]);
    progress.progress.disable = Some(DisableReason::FailuresInRow);
    house.store.checkpoint_save(saved(1, vec![progress])).await.unwrap();
    let mut stream: EventStream = house.state(id).await.stream;
    stream.name = Some("another name".to_owned());
    stream.updated_at = samples::at(5_000);
    house.commit(samples::changed(2, &stream)).await.unwrap();
    (stream.status, stream.updated_at) = (StreamStatus::Enabled, samples::at(9_000));
    house.commit(samples::changed(3, &stream)).await.unwrap();
    let house = house.reopen().await;
    let since = async |millis| {
        let found = house.store.statuses_since(house.tenant, id, samples::at(millis)).await.unwrap();
        found.iter().map(|each| (each.since, each.status, each.reason)).collect::<Vec<_>>()
    };
    let enabled = (samples::at(0), StreamStatus::Enabled, None);
    let disabled = (samples::at(1000), StreamStatus::Disabled, Some(DisableReason::FailuresInRow));
    let again = (samples::at(9_000), StreamStatus::Enabled, None);
    assert_eq!(since(-1).await, [enabled, disabled, again]);
    assert_eq!(since(5_000).await, [disabled, again], "what held then, and what followed");
    assert_eq!(since(10_000).await, [again]);
    let tenant = house.store.tenant_ensure("other").await.unwrap().id;
    assert_eq!(house.store.statuses_since(tenant, id, samples::at(0)).await.unwrap(), []);
}
