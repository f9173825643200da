//! What users do: events, streams, settings, redeliveries.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::catalog::{EventType, EventTypes};
use domain::delivery::{Health, Limits, Ordering, Policy, Position, Schedule};
use domain::event::Seq;
use domain::ids::RegisteredTypeId;
use domain::ids::TenantId;
use domain::stream::StreamStatus;
use domain::subscription::{Interest, Spans};

use super::coverage::Reached;
use super::ledger::Ledger;
use super::random::Random;
use super::receiver::Receiver;
use super::store::{Event, StoredStream, StreamKey};
use super::world::World;

const TYPES: [EventType; 3] =
    [EventType::UserCreated, EventType::UserUpdated, EventType::Registered(RegisteredTypeId(7))];

/// Streams at most.
const STREAMS_MAX: usize = 5;

pub(crate) fn append(world: &mut World) {
    for _ in 0..world.random.between(1, 4) {
        let gap = u64::from(world.random.percent(10));
        let event = Event {
            seq: Seq(world.store.end().0 + gap),
            tenant: TenantId(if world.random.percent(85) { 1 } else { 2 }),
            event_type: world.random.pick(&TYPES),
            subject: world.random.pick(&[11, 11, 22, 33]),
        };
        world.store.log.push(event);
        for (key, stored) in &world.store.streams {
            let wanted = stored.status == StreamStatus::Enabled && stored.types.contains(event.event_type);
            if let Some(ledger) = world.ledgers.get_mut(key).filter(|_| wanted && stored.tenant == event.tenant) {
                ledger.expect(&event);
            }
        }
        world.note(|| format!("{event:?} is appended"));
    }
}

fn any_types(random: &mut Random) -> EventTypes {
    let types: EventTypes = TYPES.into_iter().filter(|_| random.percent(60)).collect();
    if types.is_empty() { TYPES.into_iter().collect() } else { types }
}

fn any_schedule(random: &mut Random) -> Schedule {
    let waits: &[u64] = random.pick::<&[u64]>(&[&[1, 2, 4], &[1, 60], &[1], &[2, 30, 600]]);
    Schedule {
        waits: waits.iter().copied().map(Duration::from_secs).collect(),
        retry_after_max: Duration::from_secs(random.pick(&[60, 600])),
    }
}

fn any_policy(random: &mut Random) -> Policy {
    let ordering = random.pick(&[Ordering::Subject, Ordering::Subject, Ordering::None, Ordering::Strict]);
    let limits = Limits {
        in_flight_max: random.between(1, 8),
        in_flight_start: random.between(1, 8),
        window_events_max: random.between(4, 16),
        window_bytes_max: random.pick(&[500, 10_000]),
        wait_in_window_max: Duration::from_secs(random.pick(&[2, 10])),
        parked_max: random.between(3, 8),
        redeliveries_max: random.between(1, 6),
        unsaved_max: random.between(4, 16),
    };
    Policy {
        ordering,
        schedule: any_schedule(random),
        limits,
        failures_in_row_max: u32::try_from(random.between(5, 20)).expect("it is small"),
        failures_outstanding_max: u32::try_from(random.between(10, 40)).expect("it is small"),
    }
}

pub(crate) fn create(world: &mut World) {
    if world.store.streams.len() >= STREAMS_MAX {
        return;
    }
    let key = world.next_key;
    world.next_key += 1;
    let policy = any_policy(&mut world.random);
    let types = any_types(&mut world.random);
    let end = world.store.end();
    world.note(|| format!("stream {key} is created at {end:?}: {types:?}, {policy:?}"));
    world.ledgers.insert(key, Ledger::new(policy.ordering));
    let receiver = Receiver::any(&mut world.random);
    world.receivers.insert(key, receiver);
    let stored = StoredStream {
        tenant: TenantId(if world.random.percent(85) { 1 } else { 2 }),
        types: types.clone(),
        policy,
        spans: Spans::starting(end, Interest::Types(types)),
        status: StreamStatus::Enabled,
        generation: 0,
        version: 0,
        position: Position::at(end),
        at_head: false,
        health: Health::default(),
        parked: BTreeMap::new(),
        failures: BTreeMap::new(),
    };
    world.store.streams.insert(key, stored);
    world.coverage.reached(Reached::StreamCreated);
}

fn any_stored(world: &mut World) -> Option<StreamKey> {
    let keys: Vec<StreamKey> = world.store.streams.keys().copied().collect();
    (!keys.is_empty()).then(|| world.random.pick(&keys))
}

pub(crate) fn delete(world: &mut World) {
    if let Some(key) = any_stored(world).filter(|_| world.store.streams.len() > 1) {
        world.store.streams.remove(&key);
        world.note(|| format!("stream {key} is deleted"));
        world.coverage.reached(Reached::StreamDeleted);
    }
}

pub(crate) fn toggle_status(world: &mut World) {
    let end = world.store.end();
    let Some(key) = any_stored(world) else { return };
    let Some(stored) = world.store.streams.get_mut(&key) else { return };
    let what = match stored.status {
        StreamStatus::Enabled => {
            stored.set_status(StreamStatus::Disabled, end);
            Reached::UserDisable
        }
        StreamStatus::Disabled if stored.may_enable() => {
            stored.set_status(StreamStatus::Enabled, end);
            Reached::UserEnable
        }
        StreamStatus::Disabled => Reached::EnableRefused,
    };
    world.coverage.reached(what);
    world.note(|| format!("stream {key}: {what:?} at {end:?}"));
}

pub(crate) fn edit_types(world: &mut World) {
    let end = world.store.end();
    let types = any_types(&mut world.random);
    let Some(key) = any_stored(world) else { return };
    let Some(stored) = world.store.streams.get_mut(&key) else { return };
    stored.set_types(types.clone(), end);
    world.coverage.reached(Reached::UserEdit);
    world.note(|| format!("stream {key} wants {types:?} from {end:?}"));
}

/// Another schedule. The ordering stays what it was when the stream was created.
pub(crate) fn edit_policy(world: &mut World) {
    let schedule = any_schedule(&mut world.random);
    let Some(key) = any_stored(world) else { return };
    let Some(stored) = world.store.streams.get_mut(&key) else { return };
    stored.set_policy(Policy { schedule, ..stored.policy.clone() });
    world.note(|| format!("stream {key} has another schedule"));
}

pub(crate) fn request_redelivery(world: &mut World) {
    let Some(key) = any_stored(world) else { return };
    let Some(stored) = world.store.streams.get_mut(&key) else { return };
    let idle: Vec<Seq> = stored.failures.iter().filter(|(_, requested)| !**requested).map(|(seq, _)| *seq).collect();
    if idle.is_empty() {
        return;
    }
    let seq = world.random.pick(&idle);
    stored.failures.insert(seq, true);
    if let Some(ledger) = world.ledgers.get_mut(&key) {
        ledger.requested(seq);
    }
    world.coverage.reached(Reached::RedeliveryRequested);
    world.note(|| format!("stream {key}: redelivery of {seq:?} is requested"));
}

/// Requests every redelivery that can be; true if there was any.
pub(crate) fn request_all(world: &mut World) -> bool {
    let mut some = false;
    for (key, stored) in &mut world.store.streams {
        for (seq, requested) in &mut stored.failures {
            *requested = true;
            some = true;
            if let Some(ledger) = world.ledgers.get_mut(key) {
                ledger.requested(*seq);
            }
        }
    }
    some
}
